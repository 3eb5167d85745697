/** Reads a saved plan, and checks that it is complete before anything uses it. */
import * as v from "valibot";
import { PRIMARY_METRICS, type Plan } from "../contract/plan.ts";
import { Count, PlannedCellSchema, PluginUseSchema, WireSchema } from "../contract/plan-schema.ts";
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

const SavedPlan = v.pipe(
  v.object({
    schemaVersion: v.literal(1),
    tool: v.object({ name: v.literal("dynbench"), version: v.string() }),
    seed: Count,
    clock: v.picklist(["wall", "virtual"]),
    repeats: Count,
    primary: v.picklist(PRIMARY_METRICS),
    until: v.exactOptional(
      v.object({
        rule: v.picklist(["decided", "width"]),
        halfWidth: v.exactOptional(v.number()),
        first: Count,
        block: v.pipe(Count, v.minValue(1)),
        maxTimeS: v.exactOptional(v.number()),
      }),
    ),
    preflight: v.boolean(),
    settle: v.exactOptional(v.boolean()),
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
          twinOf: v.exactOptional(Count),
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
    ({ arms, cells }) =>
      cells.every(({ arm }) => arm < arms.length) &&
      arms.every(({ twinOf = 0 }) => twinOf < arms.length),
    "it names an arm that is not there",
  ),
  v.check(
    ({ cells }) => new Set(cells.map(({ id }) => id)).size === cells.length,
    "two cells have the same id",
  ),
);
