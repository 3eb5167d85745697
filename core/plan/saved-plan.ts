/** A plan that was written down, read back: checked to be whole before anything trusts it. */
import * as v from "valibot";
import type { Plan } from "../contract/plan.ts";
import { DynbenchError } from "../base/errors.ts";

/** `name` says where it was read, for messages. Keys that a plan has not are dropped. */
export function parsePlan(value: unknown, name: string): Plan {
  const parsed = v.safeParse(SavedPlan, value);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new DynbenchError(
      "plan",
      `Cannot run ${name}: it is not a plan of this version: ${v.getDotPath(issue) ?? "top"}: ${issue.message}`,
      { hint: "Make the plan again: dynbench plan --json" },
    );
  }
  return parsed.output;
}

/** Whether a file means to be a plan, and not a table of options. */
export function looksLikePlan(value: unknown): boolean {
  return typeof value === "object" && value !== null && "schemaVersion" in value;
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

const Use = v.object({
  kind: v.picklist(["engine", "router", "workload", "reporter"]),
  name: v.string(),
  source: v.string(),
  digest: v.exactOptional(v.string()),
  options: v.record(v.string(), v.unknown()),
});

const Profile = v.variant("kind", [
  v.object({ kind: v.literal("ramp"), overS: v.number() }),
  v.object({
    kind: v.literal("sine"),
    minRps: v.number(),
    maxRps: v.number(),
    periodS: v.number(),
  }),
  v.object({
    kind: v.literal("steps"),
    steps: v.array(v.object({ fromS: v.number(), rateRps: v.number() })),
  }),
]);

const Load = v.object({
  arrival: v.picklist(["closed", "constant", "poisson", "gamma", "trace"]),
  concurrency: v.exactOptional(Count),
  concurrencyOf: v.exactOptional(v.picklist(["requests", "sessions"])),
  rateRps: v.exactOptional(v.number()),
  burstiness: v.exactOptional(v.number()),
  rateProfile: v.exactOptional(Profile),
  tiers: v.exactOptional(
    v.array(
      v.object({
        name: v.string(),
        share: v.number(),
        priority: v.exactOptional(v.number()),
      }),
    ),
  ),
  sendPriority: v.exactOptional(v.literal("off")),
  slo: v.exactOptional(
    v.object({
      ttftMs: v.exactOptional(v.number()),
      tpotMs: v.exactOptional(v.number()),
      e2eMs: v.exactOptional(v.number()),
    }),
  ),
  requests: v.exactOptional(Count),
  warmup: Count,
  timeoutS: v.number(),
});

const Cell = v.object({
  id: v.string(),
  arm: Count,
  parameters: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  repeat: Count,
  seed: Count,
  workload: Use,
  load: Load,
});

const SavedPlan = v.pipe(
  v.object({
    schemaVersion: v.literal(1),
    tool: v.object({ name: v.literal("dynbench"), version: v.string() }),
    seed: Count,
    clock: v.picklist(["wall", "virtual"]),
    repeats: Count,
    preflight: v.boolean(),
    pooledBounds: v.exactOptional(v.boolean()),
    wire: v.object({
      form: v.picklist(["ids", "text", "chat"]),
      connection: v.picklist(["keep-alive", "per-request"]),
      headers: v.record(v.string(), v.string()),
      body: v.record(v.string(), v.unknown()),
      apiKeyEnv: v.exactOptional(v.string()),
    }),
    arms: v.pipe(
      v.array(
        v.object({
          label: v.string(),
          engine: Use,
          router: Use,
          plane: v.picklist(["http", "dynamo"]),
          isControl: v.exactOptional(v.boolean()),
          engineKey: v.string(),
        }),
      ),
      v.minLength(1),
    ),
    cells: v.pipe(v.array(Cell), v.minLength(1)),
    reporters: v.array(Use),
    files: v.exactOptional(
      v.array(v.object({ path: v.string(), bytes: Count, sha256: v.string() })),
    ),
    engineArgs: v.array(v.string()),
    host: v.string(),
    replicas: Count,
    planeSettings: v.exactOptional(
      v.object({
        discovery: v.picklist(["file", "etcd"]),
        requestPlane: v.picklist(["tcp", "nats"]),
        eventPlane: v.picklist(["zmq", "nats"]),
        etcdUrl: v.exactOptional(v.string()),
        natsUrl: v.exactOptional(v.string()),
      }),
    ),
    sim: v.exactOptional(
      v.object({
        eventDelayMs: v.number(),
        loadDelayMs: v.number(),
        routingMs: v.number(),
        networkMs: v.number(),
        networkJitterMs: v.exactOptional(v.number(), 0),
        replicaSync: v.boolean(),
        decisions: v.exactOptional(v.boolean(), false),
        downs: v.array(
          v.object({ worker: Count, fromS: v.number(), toS: v.exactOptional(v.number()) }),
        ),
      }),
    ),
  }),
  v.check(
    ({ clock, sim }) => clock === "wall" || sim !== undefined,
    "it is of the virtual clock and has no sim",
  ),
  v.check(
    ({ arms, cells }) => cells.every(({ arm }) => arm < arms.length),
    "a cell names an arm that is not there",
  ),
  v.check(
    ({ cells }) => new Set(cells.map(({ id }) => id)).size === cells.length,
    "two cells have the same id",
  ),
);
