/** SGLang's model gateway (PyPI smg, 1.13). Takes text and chat; token ids it refuses. */
import { defineRouter, v } from "dynbench";
import { fetchControl } from "dynbench/engine";
import { commandOption, foundCommand } from "../shared/external/program.ts";
import {
  assignmentModeOption,
  countOption,
  PLANNED,
  rustFlags,
  rustOptions,
  startRustRouter,
  switchOption,
  type RustPlace,
} from "../shared/external/rust-router.ts";
import { factorOption } from "../shared/option-shapes.ts";

const POLICIES = [
  "cache_aware",
  "round_robin",
  "random",
  "power_of_two",
  "least_load",
  "prefix_hash",
  "consistent_hashing",
  "manual",
  "passthrough",
] as const;
const KEYED: readonly string[] = ["consistent_hashing", "manual"];
const SPREADING: readonly string[] = ["round_robin", "random", "power_of_two", "least_load"];

const NEED = { command: "smg", install: "pip install smg" };

const options = v.strictObject({
  policy: v.pipe(v.optional(v.picklist(POLICIES), "cache_aware"), v.description("How it routes")),
  ...rustOptions,
  prefixTokenCount: countOption(256, 16_384, "prefix_hash: leading tokens that are hashed"),
  prefixHashLoadFactor: factorOption(
    1.25,
    "prefix_hash: most requests in flight of a worker, as a multiple of the mean",
  ),
  powerOfTwoLoadMetric: v.pipe(
    v.optional(v.picklist(["expected_wait", "requests", "least_requests"]), "expected_wait"),
    v.description("power_of_two: the load that it compares"),
  ),
  assignmentMode: assignmentModeOption,
  overloadProtection: switchOption("Let it leave out workers that report overload"),
  workerWarmup: switchOption("Let it send cache misses to workers that have just started"),
  smgCommand: commandOption(NEED.command),
});

export const smg = defineRouter({
  name: "smg",
  summary: "SGLang's model gateway, a program of its own, on HTTP workers",
  options,
  plane: "http",
  needs: [NEED],
  control: { policy: "round_robin" },
  traits: ({ policy }) => ({
    accepts: ["text", "chat"],
    affinity: ["cache_aware", "prefix_hash", ...KEYED].includes(policy),
    spreads: SPREADING.includes(policy),
    kvEvents: false,
    ...(KEYED.includes(policy) ? { keyHeader: "x-smg-routing-key" } : {}),
  }),
  find: ({ smgCommand }, { python }) => void foundCommand(NEED, smgCommand, python),
  processes: (settings) => [
    { name: NEED.command, command: [settings.smgCommand, ...smgArgv(settings, PLANNED)] },
  ],
  start: (settings, engine, context) =>
    startRustRouter(
      {
        need: NEED,
        command: settings.smgCommand,
        settings,
        argv: (at) => smgArgv(settings, at),
        // It reports ready before it knows which models the workers serve, so a request must pass.
        isUp: (url) =>
          fetchControl(`${url}/v1/completions`, {
            method: "POST",
            body: { model: engine.servedModelName, prompt: "ready", max_tokens: 1 },
          }),
        facts: {
          retries: settings.retries || (readsBodyForRetry(settings) ? BODY_READING : false),
          overloadProtection: settings.overloadProtection,
          workerWarmup: settings.workerWarmup,
        },
      },
      engine,
      context,
    ),
});

/**
 * Without retries smg 1.13.0 passes on bodies unread (its metric `smg_router_request_body_path_total`
 * has "streamed"), and prefix_hash, which has nothing to hash then, takes the least loaded worker
 * (`smg_prefix_hash_policy_branch_total` has "no_routing_key"). One retry makes it read them.
 */
const BODY_READING = "one: without it bodies pass unread, and prefix_hash has nothing to hash";
/** Longer bodies pass unread again; this is the most that it takes. */
const MAX_PAYLOAD_BYTES = 512 * 1024 * 1024;

function readsBodyForRetry({ policy, retries }: v.InferOutput<typeof options>): boolean {
  return policy === "prefix_hash" && !retries;
}

/** With its default grace period it keeps its ports for five seconds after SIGTERM. */
export function smgArgv(settings: v.InferOutput<typeof options>, at: RustPlace): string[] {
  const { policy, overloadProtection, workerWarmup } = settings;
  const ofPolicy: Partial<Record<typeof policy, string[]>> = {
    prefix_hash: [
      ...["--prefix-token-count", String(settings.prefixTokenCount)],
      ...["--prefix-hash-load-factor", String(settings.prefixHashLoadFactor)],
    ],
    power_of_two: ["--power-of-two-load-metric", settings.powerOfTwoLoadMetric],
    manual: ["--assignment-mode", settings.assignmentMode],
  };
  const readsBody = readsBodyForRetry(settings);
  return [
    "launch",
    ...rustFlags(readsBody ? { ...settings, retries: true } : settings, at),
    ...(readsBody ? ["--retry-max-retries", "2"] : []),
    ...(policy === "prefix_hash" ? ["--max-buffered-request-bytes", `${MAX_PAYLOAD_BYTES}`] : []),
    ...(ofPolicy[policy] ?? []),
    ...(overloadProtection ? [] : ["--disable-worker-overload-protection"]),
    ...(workerWarmup ? [] : ["--worker-warmup-secs", "0", "--worker-warmup-divert-every", "0"]),
    ...["--shutdown-grace-period-secs", "0", "--log-level", "warn"],
  ];
}
