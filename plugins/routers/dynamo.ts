/**
 * NVIDIA Dynamo's own router: its frontend in front of workers that registered on plane "dynamo".
 * Its flags depend on the `--help` of the installed version.
 */
import { join } from "node:path";
import { defineRouter, DynbenchError, v } from "dynbench";
import { fetchControl, mustHavePackage } from "dynbench/engine";
import { startFrontends } from "../shared/dynamo/frontend.ts";
import { APPROXIMATE_MODE, frontendFlags, POLICY_FLAG } from "../shared/dynamo/frontend-flags.ts";
import { whole, within } from "../shared/option-shapes.ts";
import { probeModule } from "../shared/dynamo/python-module.ts";

/** Larger weights change nothing: every other term is negligible beside them. */
const MAX_WEIGHT = 1e6;
const MAX_COUNT = 2 ** 31 - 1;

const weight = v.optional(within(0, MAX_WEIGHT));
const count = v.optional(whole(0, MAX_COUNT));

const MODES = [
  "kv",
  APPROXIMATE_MODE,
  "round-robin",
  "random",
  "power-of-two",
  "least-loaded",
  "device-aware-weighted",
] as const;

const options = v.strictObject({
  mode: v.pipe(
    v.optional(v.picklist(MODES), "kv"),
    v.description("How it routes; kv-approx is its kv mode without KV events"),
    v.metadata({ aliases: ["router-mode"] }),
  ),
  overlapCredit: v.pipe(
    weight,
    v.description("Blocks of prefill saved per block believed cached"),
    v.metadata({ tune: { from: 0.1, to: 64, scale: "log" } }),
  ),
  creditDecay: v.pipe(
    weight,
    v.description(
      "How fast the overlap credit falls on a worker with more prefill queued than others",
    ),
    v.metadata({ tune: { from: 0, to: 4, scale: "linear" } }),
  ),
  prefillLoadScale: v.pipe(
    weight,
    v.description("Weight of prefill against blocks held"),
    v.metadata({ tune: { from: 0.1, to: 10, scale: "log" } }),
  ),
  activeRequestWeight: v.pipe(
    weight,
    v.description("Cost of each request in flight, in blocks"),
    v.metadata({ tune: { from: 0, to: 64, scale: "linear" } }),
  ),
  temperature: v.pipe(
    weight,
    v.description("0 picks the least cost; a higher value draws more evenly among all workers"),
    v.metadata({ tune: { from: 0, to: 1, scale: "linear" } }),
  ),
  queueThreshold: v.pipe(
    weight,
    v.description(
      "Queue requests in the router while every worker has more prefill than this multiple of a step's tokens",
    ),
    v.metadata({ tune: { from: 0.1, to: 64, scale: "log" } }),
  ),
  queuePolicy: v.pipe(
    v.optional(v.picklist(["fcfs", "wspt"])),
    v.description("Order of that queue: first come first served, or shortest work first"),
  ),
  decodeBlocksThreshold: v.pipe(
    weight,
    v.description("Send nothing to workers whose KV cache is fuller than this share"),
    v.metadata({ aliases: ["busy-threshold"] }),
  ),
  prefillTokensThreshold: v.pipe(
    count,
    v.description("Send nothing to workers with more prompt tokens than this in prefill"),
  ),
  prefillTokensThresholdShare: v.pipe(
    weight,
    v.description("The same limit, as a multiple of the most tokens that a step computes"),
  ),
  ttlS: v.pipe(
    v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(86_400))),
    v.description("kv-approx: seconds for which a prompt is believed to be cached"),
    v.metadata({ tune: { from: 5, to: 3600, scale: "log" } }),
  ),
  syncReplicas: v.pipe(
    v.optional(v.boolean(), false),
    v.description(
      "With several frontends (--replicas): each sends the others its requests in flight",
    ),
  ),
  migrationLimit: v.pipe(
    count,
    v.description("How often a request may move to another worker when its worker dies"),
  ),
  frontendPython: v.pipe(
    v.optional(v.pipe(v.string(), v.nonEmpty())),
    v.description("Python that has ai-dynamo, where it is not the Python of the engine"),
  ),
});

export const dynamo = defineRouter({
  name: "dynamo",
  summary: "NVIDIA Dynamo's frontend and its router, on workers of Dynamo's own plane",
  options,
  standIn: "--router kv --timing dynamo, with the same weights",
  plane: "dynamo",
  needs: [
    { packages: ["ai-dynamo"], install: "pip install ai-dynamo" },
    {
      command: "etcd",
      port: 2379,
      install: "apt install etcd-server",
      onlyWith: "--discovery etcd",
    },
    {
      command: "nats-server",
      port: 4222,
      install: "apt install nats-server",
      onlyWith: "--event-plane nats, --request-plane nats",
    },
  ],
  control: { mode: "round-robin" },
  traits: ({ mode }) => ({
    accepts: ["ids", "text", "chat"],
    affinity: mode === "kv" || mode === APPROXIMATE_MODE,
    spreads: mode !== "kv" && mode !== APPROXIMATE_MODE,
    kvEvents: mode === "kv",
    requestFields: { nvext: { extra_fields: ["worker_id", "timing"] } },
    pinHeaders: {
      aggregated: "x-dynamo-worker-instance-id",
      prefill: "x-dynamo-prefill-instance-id",
    },
  }),
  find: ({ frontendPython }, { python }) => mustHaveDynamo(frontendPython ?? python),
  processes: ({ mode, frontendPython }) => [
    {
      name: "dynamo-frontend",
      command: [
        frontendPython ?? "python",
        "-m",
        "dynamo.frontend",
        "--router-mode",
        mode === APPROXIMATE_MODE ? "kv --no-router-kv-events" : mode,
      ],
      note: "only flags that its --help lists; the system chooses the port",
    },
  ],
  start: async ({ frontendPython, syncReplicas, ...wishes }, engine, context) => {
    const { discovery } = engine;
    if (discovery === undefined) {
      throw new DynbenchError(
        "start",
        "Cannot start Dynamo's frontend: the engine has no discovery",
        {
          hint: "Use an engine that serves on plane dynamo: --engine mocker, vllm, sglang or trtllm",
        },
      );
    }
    const { env } = discovery;
    const { signal, host } = context;
    const python = frontendPython ?? discovery.python;
    const { version, help } = await probeModule("dynamo.frontend", { python, env, signal });
    const { argv, policy, faults } = frontendFlags(help, { ...wishes, replicaSync: syncReplicas });
    if (faults.length > 0) {
      throw new DynbenchError(
        "plan",
        `Cannot start Dynamo ${version}: ${faults.map(({ option, message }) => `${option}: ${message}`).join("; ")}`,
        { hint: "Leave the option out, or use another version of Dynamo" },
      );
    }
    const policyArgs = policy === undefined ? [] : await writePolicy(discovery.folder, policy);
    const start = { python, env, argv: [...argv, ...policyArgs], host };
    const frontends = await startFrontends(start, engine, context);
    const { urls } = frontends;
    return {
      urls,
      metricsUrls: urls.map((url) => `${url}/metrics`),
      facts: {
        program: "ai-dynamo",
        version,
        argv: start.argv,
        ...(policy && { policy }),
        frontends: urls.length,
      },
      ...(wishes.mode === "kv" ? { eventsApplied: () => leastApplied(urls, signal) } : {}),
      [Symbol.asyncDispose]: () => frontends[Symbol.asyncDispose](),
    };
  },
});

async function mustHaveDynamo(python = "python3"): Promise<void> {
  await mustHavePackage("Dynamo's frontend", {
    python,
    wanted: ["ai-dynamo"],
    instead: "--router kv needs none",
  });
}

async function writePolicy(folder: string, policy: object): Promise<string[]> {
  const path = join(folder, "router-policy.yaml");
  await Bun.write(path, JSON.stringify(policy));
  return [POLICY_FLAG, path];
}

/** Each frontend applies all events, so what the slowest has applied is known to all. */
async function leastApplied(urls: readonly string[], signal: AbortSignal): Promise<number> {
  const metrics = await Promise.all(urls.map((url) => fetchControl(`${url}/metrics`, { signal })));
  return Math.min(...metrics.map(eventsAppliedOf));
}

/**
 * Pure. KV events that a frontend's index has applied, from its Prometheus text (Dynamo 1.6.1); 0 while
 * the metric is missing, as it is until the first event.
 */
export function eventsAppliedOf(metrics: string): number {
  const lines = metrics.matchAll(
    /^dynamo_component_kv_cache_events_applied\{([^}]*)\}\s+(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/gm,
  );
  let sum = 0;
  for (const [, labels, value] of lines) if (/status="ok"/.test(labels!)) sum += Number(value);
  return sum;
}
