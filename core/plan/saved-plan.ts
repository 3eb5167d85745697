/** Reads a saved plan, and checks that it is complete before anything uses it. */
import * as v from "valibot";
import type { Plan } from "../contract/plan.ts";
import { DynbenchError } from "../base/errors.ts";

/** `name` is its file, for messages. Unknown keys are dropped. Throws a `DynbenchError` at a plan that is not complete. */
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

/** Whether a file is meant to be a plan, and not a table of options. */
export function looksLikePlan(value: unknown): boolean {
  return typeof value === "object" && value !== null && "schemaVersion" in value;
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** These three go to children too (`process/messages.ts`). */
export const PluginUseSchema = v.object({
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

export const PlannedCellSchema = v.object({
  id: v.string(),
  arm: Count,
  parameters: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  repeat: Count,
  seed: Count,
  workload: PluginUseSchema,
  load: Load,
});

export const WireSchema = v.object({
  form: v.picklist(["ids", "text", "chat"]),
  connection: v.picklist(["keep-alive", "per-request"]),
  headers: v.record(v.string(), v.string()),
  body: v.record(v.string(), v.unknown()),
  apiKeyEnv: v.exactOptional(v.string()),
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
    wire: WireSchema,
    arms: v.pipe(
      v.array(
        v.object({
          label: v.string(),
          engine: PluginUseSchema,
          router: PluginUseSchema,
          plane: v.picklist(["http", "dynamo"]),
          isControl: v.exactOptional(v.boolean()),
          engineKey: v.string(),
        }),
      ),
      v.minLength(1),
    ),
    cells: v.pipe(v.array(PlannedCellSchema), v.minLength(1)),
    reporters: v.array(PluginUseSchema),
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
