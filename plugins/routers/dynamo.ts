/**
 * NVIDIA Dynamo's own router: its frontend in front of workers that registered on plane "dynamo".
 * Which flags it is given follows from the `--help` of the version that is found.
 */
import { join } from "node:path";
import { defineRouter, DynbenchError, fetchControl, v } from "dynbench";
import { startFrontends } from "../shared/dynamo/frontend.ts";
import { APPROXIMATE_MODE, frontendFlags, POLICY_FLAG } from "../shared/dynamo/frontend-flags.ts";
import { eventsAppliedOf } from "../shared/dynamo/frontend-metrics.ts";
import { probeModule } from "../shared/dynamo/python-module.ts";

/** Larger weights say nothing more: every other term is lost beside them. */
const MAX_WEIGHT = 1e6;
const MAX_COUNT = 2 ** 31 - 1;

const weight = v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_WEIGHT)));
const count = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_COUNT)));

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
  overlapCredit: v.pipe(weight, v.description("Blocks of prefill saved per block believed cached")),
  creditDecay: v.pipe(
    weight,
    v.description("How fast that credit fades on a worker with more prefill queued than others"),
  ),
  prefillLoadScale: v.pipe(weight, v.description("Weight of prefill against blocks held")),
  activeRequestWeight: v.pipe(weight, v.description("Cost of each request in flight, in blocks")),
  temperature: v.pipe(
    weight,
    v.description("0 takes the least cost; higher draws more evenly among all workers"),
  ),
  queueThreshold: v.pipe(
    weight,
    v.description("Queue in the router when all workers prefill more than this share of a step"),
  ),
  queuePolicy: v.pipe(
    v.optional(v.picklist(["fcfs", "wspt"])),
    v.description("Order of that queue: first come first served, or shortest work first"),
  ),
  decodeBlocksThreshold: v.pipe(
    weight,
    v.description("Refuse workers whose KV cache is fuller than this share"),
    v.metadata({ aliases: ["busy-threshold"] }),
  ),
  prefillTokensThreshold: v.pipe(
    count,
    v.description("Refuse workers with more prompt tokens in prefill"),
  ),
  prefillTokensThresholdShare: v.pipe(
    weight,
    v.description("The same as a multiple of a step's token budget"),
  ),
  ttlS: v.pipe(
    v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(86_400))),
    v.description("kv-approx: how long a prompt is believed to be cached"),
  ),
  syncReplicas: v.pipe(
    v.optional(v.boolean(), false),
    v.description("Several frontends (--replicas) share what they know of requests in flight"),
  ),
  migrationLimit: v.pipe(
    count,
    v.description("How often a request may move to another worker when its own dies"),
  ),
  frontendPython: v.pipe(
    v.optional(v.pipe(v.string(), v.nonEmpty())),
    v.description("Python that has ai-dynamo, where it is another than the engine's"),
  ),
});

export const dynamo = defineRouter({
  name: "dynamo",
  summary: "NVIDIA Dynamo's frontend and its router, on workers of Dynamo's own plane",
  options,
  standIn: "--router kv --timing dynamo, with its weights as ours are called",
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
      note: "flags as its own --help lists them; port chosen by the system",
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
