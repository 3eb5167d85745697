/**
 * Schemas of the parts of a plan that come from elsewhere: a saved plan is read with them, and a child
 * checks what it is given (`process/messages.ts`). Unknown keys are dropped.
 */
import * as v from "valibot";

/** A whole number from 0. */
export const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

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

export const LoadSchema = v.object({
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
  routerSeed: v.exactOptional(Count),
  workload: PluginUseSchema,
  load: LoadSchema,
});

export const WireSchema = v.object({
  form: v.picklist(["ids", "text", "chat"]),
  connection: v.picklist(["keep-alive", "per-request"]),
  headers: v.record(v.string(), v.string()),
  headersFrom: v.exactOptional(
    v.record(
      v.string(),
      v.union([v.strictObject({ env: v.string() }), v.strictObject({ file: v.string() })]),
    ),
  ),
  body: v.record(v.string(), v.unknown()),
  apiKeyEnv: v.exactOptional(v.string()),
});
