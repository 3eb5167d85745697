/**
 * vLLM's router (PyPI vllm-router, 0.1.17), which takes token ids as well. For texts it asks the
 * workers for the token ids, so their tokenising is part of its cost.
 */
import { defineRouter, DynbenchError, v } from "dynbench";
import { fetchControl, type Worker } from "dynbench/engine";
import { commandOption, foundCommand } from "../shared/external/program.ts";
import {
  PLANNED,
  rustFlags,
  rustOptions,
  startRustRouter,
  type RustPlace,
} from "../shared/external/rust-router.ts";

const POLICIES = [
  "cache_aware",
  "kv_aware",
  "round_robin",
  "random",
  "power_of_two",
  "consistent_hash",
  "sticky_least_loaded",
] as const;
const KEYED: readonly string[] = ["consistent_hash", "sticky_least_loaded"];

const NEED = { command: "vllm-router", install: "pip install vllm-router" };

const options = v.strictObject({
  policy: v.pipe(v.optional(v.picklist(POLICIES), "cache_aware"), v.description("How it routes")),
  ...rustOptions,
  vllmRouterCommand: commandOption(NEED.command),
});

type Settings = v.InferOutput<typeof options>;

export const vllmRouter = defineRouter({
  name: "vllm-router",
  summary: "vLLM's router, a program of its own, on HTTP workers",
  options,
  plane: "http",
  needs: [NEED],
  control: { policy: "round_robin" },
  traits: ({ policy }) => ({
    // It does not track token ids for cache_aware, which then only balances.
    accepts: policy === "cache_aware" ? ["text", "chat"] : ["ids", "text", "chat"],
    affinity: policy === "cache_aware" || policy === "kv_aware" || KEYED.includes(policy),
    spreads: ["round_robin", "random", "power_of_two"].includes(policy),
    kvEvents: policy === "kv_aware",
    ...(KEYED.includes(policy) ? { keyHeader: "x-session-id" } : {}),
  }),
  find: ({ vllmRouterCommand }, { python }) => void foundCommand(NEED, vllmRouterCommand, python),
  processes: (settings) => [
    {
      name: NEED.command,
      command: [settings.vllmRouterCommand, ...vllmRouterArgv(settings, PLANNED)],
      ...(settings.policy === "kv_aware"
        ? { note: "and each worker's KV events: endpoint, replay endpoint, block size" }
        : {}),
    },
  ],
  start: async (settings, engine, context) => {
    const isKvAware = settings.policy === "kv_aware";
    const events = isKvAware ? kvEventFlags(engine.workers, engine.servedModelName) : [];
    return startRustRouter(
      {
        need: NEED,
        command: settings.vllmRouterCommand,
        settings,
        argv: (at) => [...vllmRouterArgv(settings, at), ...events],
        ...(isKvAware
          ? { prefixesFound: async (metricsUrl) => lookupHits(await fetchControl(metricsUrl)) }
          : {}),
      },
      engine,
      context,
    );
  },
});

export function vllmRouterArgv(settings: Settings, at: RustPlace): string[] {
  return [...rustFlags(settings, at), "--log-level", "warning"];
}

/**
 * The sources of KV events for kv_aware. They are named, because sources that it finds by itself lack the
 * block size. Of a named source it takes messages whose topic is empty and silently drops all others, so a
 * worker with another topic is refused.
 */
export function kvEventFlags(workers: readonly Worker[], model: string): string[] {
  const refused = (what: string): DynbenchError =>
    new DynbenchError("start", `Cannot start vllm-router with kv_aware: ${what}`, {
      hint: "Use --policy cache_aware, or publish KV events as vLLM does by default",
    });
  const blockSizes = new Set(workers.map(({ blockSize }) => blockSize));
  if (blockSizes.size > 1) throw refused(`workers have blocks of ${[...blockSizes].join(" and ")}`);
  const sources = workers.flatMap(({ id, url, kvEvents }) => {
    if (kvEvents === undefined) throw refused(`worker "${id}" publishes no KV events`);
    const { endpoint, replayEndpoint, topic } = kvEvents;
    if (topic !== "") {
      throw refused(`it drops KV events with a topic, and those of worker "${id}" have "${topic}"`);
    }
    const replay = replayEndpoint === undefined ? [] : [`${url}=${replayEndpoint}`];
    return [
      ...["--kv-event-source", `${url}=${endpoint}`],
      ...replay.flatMap((source) => ["--kv-event-replay-source", source]),
    ];
  });
  const [blockSize] = blockSizes;
  return [...sources, "--kv-event-block-size", `${blockSize}`, "--kv-event-model", model];
}

/** Pure. Requests for which its index held a beginning, from its Prometheus text; 0 before the first one. */
export function lookupHits(metrics: string): number {
  const hit = /^vllm_router_kv_placement_lookups_total\{result="hit"\} (\d+)/m.exec(metrics);
  return Number(hit?.[1] ?? 0);
}
