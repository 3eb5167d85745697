/** SGLang's model gateway (PyPI smg, 1.13). Takes text and chat; token ids it refuses. */
import { defineRouter, urlHost, v } from "dynbench";
import {
  commandOption,
  foundCommand,
  programPorts,
  startProgram,
} from "../shared/external/program.ts";
import {
  allWorkersIn,
  answersOnce,
  countOption,
  factorOption,
  rustFlags,
  rustOptions,
  switchOption,
} from "../shared/external/rust-router.ts";

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
const MODES = ["random", "min_load", "min_group"] as const;

const NEED = { command: "smg", install: "pip install smg" };

const options = v.strictObject({
  policy: v.pipe(v.optional(v.picklist(POLICIES), "cache_aware"), v.description("How it routes")),
  ...rustOptions,
  prefixTokenCount: countOption(256, "prefix_hash: leading tokens that are hashed"),
  prefixHashLoadFactor: factorOption(1.25, "prefix_hash: load it tolerates, times the mean"),
  powerOfTwoLoadMetric: v.pipe(
    v.optional(v.picklist(["expected_wait", "requests", "least_requests"]), "expected_wait"),
    v.description("power_of_two: what it compares"),
  ),
  assignmentMode: v.pipe(
    v.optional(v.picklist(MODES), "random"),
    v.description("manual: worker of a new key"),
  ),
  overloadProtection: switchOption("Let it skip workers that report overload"),
  warmup: switchOption("Let it divert cache misses to workers that have just come up"),
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
  find: ({ smgCommand: command }, { python }) =>
    void foundCommand({ name: "smg", command, install: NEED.install }, python),
  processes: (settings) => [
    { name: "smg", command: [settings.smgCommand, ...smgArgv(settings, PLANNED)] },
  ],
  start: async (settings, engine, context) => {
    const ports = programPorts("smg", context);
    const { host } = context;
    const workers = engine.workers.map(({ url }) => url);
    return startProgram(
      {
        name: "smg",
        command: settings.smgCommand,
        install: NEED.install,
        version: { distribution: "smg" },
        argv: smgArgv(settings, { host, ports, workers }),
        ports,
        metricsUrl: `http://${urlHost(host)}:${ports.metrics}/metrics`,
        isUp: async (url) => {
          await allWorkersIn(url, engine);
          await answersOnce(url, engine);
        },
        facts: {
          retries: settings.retries || (readsBodyForRetry(settings) ? BODY_READING : false),
          circuitBreaker: settings.circuitBreaker,
          overloadProtection: settings.overloadProtection,
          warmup: settings.warmup,
        },
      },
      context,
    );
  },
});

const PLANNED = { host: "127.0.0.1", ports: { http: 0, metrics: 0 }, workers: ["WORKERS"] };

/**
 * Without retries smg 1.13.0 passes on bodies unread (its metric `smg_router_request_body_path_total`
 * says "streamed"), and prefix_hash, which has nothing to hash then, takes the least loaded worker
 * (`smg_prefix_hash_policy_branch_total` says "no_routing_key"). One retry makes it read them.
 */
const BODY_READING = "one: without it bodies pass unread, and prefix_hash has nothing to hash";
/** Longer bodies pass unread again; this is the most that it takes. */
const MAX_PAYLOAD_BYTES = 512 * 1024 * 1024;

function readsBodyForRetry({ policy, retries }: v.InferOutput<typeof options>): boolean {
  return policy === "prefix_hash" && !retries;
}

/** Without a grace it keeps its ports for five seconds after its end is asked for. */
export function smgArgv(
  settings: v.InferOutput<typeof options>,
  at: Parameters<typeof rustFlags>[1],
): string[] {
  const { policy, overloadProtection, warmup } = settings;
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
    ...(warmup ? [] : ["--worker-warmup-secs", "0", "--worker-warmup-divert-every", "0"]),
    ...["--shutdown-grace-period-secs", "0", "--log-level", "warn"],
  ];
}
