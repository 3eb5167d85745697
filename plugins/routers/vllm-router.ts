/**
 * vLLM's router (PyPI vllm-router, 0.1.17), which takes token ids as well. Of texts it asks the
 * workers for the token ids, so their tokenising is part of what it costs.
 */
import { defineRouter, v } from "dynbench";
import { commandOption, programPorts, startProgram } from "./external/program.ts";
import { allWorkersIn, rustFlags, rustOptions } from "./external/rust-router.ts";

const POLICIES = [
  "cache_aware",
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
    affinity: policy === "cache_aware" || KEYED.includes(policy),
    spreads: ["round_robin", "random", "power_of_two"].includes(policy),
    kvEvents: false,
    ...(KEYED.includes(policy) ? { keyHeader: "x-session-id" } : {}),
  }),
  processes: (settings) => [
    {
      name: "vllm-router",
      command: [settings.vllmRouterCommand, ...vllmRouterArgv(settings, PLANNED)],
    },
  ],
  start: async (settings, engine, context) => {
    const ports = programPorts("vllm-router", context);
    const { host } = context;
    const workers = engine.workers.map(({ url }) => url);
    return startProgram(
      {
        name: "vllm-router",
        command: settings.vllmRouterCommand,
        install: NEED.install,
        argv: vllmRouterArgv(settings, { host, ports, workers }),
        ports,
        metricsUrl: `http://${host}:${ports.metrics}/metrics`,
        isUp: (url) => allWorkersIn(url, engine),
        facts: { retries: settings.retries, circuitBreaker: settings.circuitBreaker },
      },
      context,
    );
  },
});

const PLANNED = { host: "127.0.0.1", ports: { http: 0, metrics: 0 }, workers: ["WORKERS"] };

export function vllmRouterArgv(
  settings: v.InferOutput<typeof options>,
  at: Parameters<typeof rustFlags>[1],
): string[] {
  return [...rustFlags(settings, at), "--log-level", "warning"];
}
