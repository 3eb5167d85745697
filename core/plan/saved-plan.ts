/**
 * The form of a saved plan. It is foreign input: each field goes through the schema of the option that
 * it came from, nothing is filled in, and no key is dropped. `checked-plan.ts` judges the parts together.
 */
import * as v from "valibot";
import { shapeFaults, type Place } from "./field-faults.ts";
import { MAX_CELLS } from "./cells.ts";
import {
  MAX_RPS,
  MAX_S,
  RateProfileSchema,
  ServiceLevelSchema,
  TiersSchema,
} from "./load-texts.ts";
import { PlaneOptions } from "./plane-options.ts";
import { LoadOptions, RunOptions } from "./run-options.ts";
import { SimOptions } from "./sim-options.ts";
import { PRIMARY_METRICS, type Plan, type PluginUse } from "../contract/plan.ts";
import {
  LoadSchema,
  PlannedCellSchema,
  PluginUseSchema,
  WireSchema,
} from "../contract/plan-schema.ts";
import { PlanFaults, type Fault } from "../base/errors.ts";
import { REPEATS_FOR_CLAIMS } from "../statistics/mean-interval.ts";

/** `name` is its file, for messages. Throws `PlanFaults` at a plan that has not the form of one. */
export function parsePlan(value: unknown, name: string): Plan {
  const read = planForm(value);
  if ("plan" in read) return read.plan;
  throw planFaults(read.faults, name);
}

/** The plan, or every field that has not the form that it must have. */
export function planForm(value: unknown): { plan: Plan } | { faults: Fault[] } {
  const parsed = v.safeParse(SavedPlan, withoutComputed(value));
  return parsed.success
    ? { plan: parsed.output }
    : { faults: shapeFaults(parsed.issues, [], isQuoted) };
}

/** Faults of a plan, as many as help. */
export function planFaults(faults: readonly Fault[], name: string): PlanFaults {
  const shown = faults.slice(0, MOST_FAULTS);
  const left = faults.length - shown.length;
  const all = left === 0 ? shown : [...shown, { path: "…", message: `and ${left} more` }];
  const hint = "Change it back, or make the plan again: dynbench plan --json";
  return new PlanFaults([...all.slice(0, -1), { ...all.at(-1)!, hint }], `The plan ${name}`);
}

/** Whether a file is meant to be a plan, and not a table of options: also where a part of it is gone. */
export function looksLikePlan(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return ["schemaVersion", "arms", "cells"].some((key) => key in value);
}

/** A sweep of 10,000 cells that all have the same fault needs no 10,000 lines. */
const MOST_FAULTS = 20;

/** What `dynbench plan --json` prints beside the plan: it follows from the plan and is no part of it. */
const COMPUTED = ["design", "survey", "amount", "estimate", "needed", "processes"];

function withoutComputed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !COMPUTED.includes(key)));
}

/** Values of headers and of a body may be secret. */
function isQuoted([first]: Place): boolean {
  return first !== "wire";
}

const run = RunOptions.entries;
const load = LoadOptions.entries;
const sim = SimOptions.entries;
const plane = PlaneOptions.entries;

/** PATH_MAX of Linux. */
const MAX_PATH = 4096;
const MAX_BYTES = Number.MAX_SAFE_INTEGER;

const whole = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const seconds = v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_S));
const Index = whole(0, MAX_CELLS);
const Repeats = whole(1, MAX_CELLS);
const Text = v.pipe(v.string(), v.nonEmpty());

/** A plugin as a plan names it. */
export const SavedUse = v.strictObject({
  ...PluginUseSchema.entries,
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,99}$/, "expected the name of a plugin")),
  source: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_PATH)),
});

const use = <const Kind extends PluginUse["kind"]>(kind: Kind) =>
  v.strictObject({ ...SavedUse.entries, kind: v.literal(kind) });

const Load = v.strictObject({
  ...LoadSchema.entries,
  concurrency: v.exactOptional(v.unwrap(load.concurrency)),
  rateRps: v.exactOptional(v.pipe(v.number(), v.gtValue(0), v.maxValue(MAX_RPS))),
  burstiness: v.exactOptional(v.unwrap(load.burstiness)),
  rateProfile: v.exactOptional(RateProfileSchema),
  tiers: v.exactOptional(TiersSchema),
  slo: v.exactOptional(ServiceLevelSchema),
  requests: v.exactOptional(v.unwrap(load.requests)),
  warmup: v.unwrap(load.warmup),
  timeoutS: v.unwrap(load.timeout),
});

const Cell = v.strictObject({
  ...PlannedCellSchema.entries,
  id: Text,
  arm: Index,
  repeat: Index,
  seed: v.unwrap(run.seed),
  routerSeed: v.exactOptional(v.unwrap(run.seed)),
  workload: use("workload"),
  load: Load,
});

const Arm = v.strictObject({
  label: Text,
  engine: use("engine"),
  router: use("router"),
  plane: v.picklist(["http", "dynamo"]),
  isControl: v.exactOptional(v.boolean()),
  twinOf: v.exactOptional(Index),
  engineKey: v.string(),
});

const Until = v.pipe(
  v.strictObject({
    rule: v.picklist(["decided", "width"]),
    halfWidth: v.exactOptional(v.pipe(v.number(), v.gtValue(0), v.ltValue(1))),
    first: whole(REPEATS_FOR_CLAIMS, MAX_CELLS),
    block: Repeats,
    maxTimeS: v.exactOptional(seconds),
  }),
  v.check(
    ({ rule, halfWidth }) => (rule === "width") === (halfWidth !== undefined),
    'rule "width" has a halfWidth, and "decided" has none',
  ),
);

const Sim = v.strictObject({
  eventDelayMs: v.unwrap(sim.eventDelayMs),
  loadDelayMs: v.unwrap(sim.loadDelayMs),
  routingMs: v.unwrap(sim.routingMs),
  networkMs: v.unwrap(sim.networkMs),
  networkJitterMs: v.unwrap(sim.networkJitterMs),
  replicaSync: v.unwrap(sim.replicaSync),
  decisions: v.unwrap(sim.decisions),
  downs: v.array(
    v.pipe(
      v.strictObject({ worker: Index, fromS: seconds, toS: v.exactOptional(seconds) }),
      v.check(({ fromS, toS = Infinity }) => fromS < toS, "toS must be after fromS"),
    ),
  ),
});

const SavedPlan = v.strictObject({
  schemaVersion: v.literal(1),
  tool: v.strictObject({ name: v.literal("dynbench"), version: v.string() }),
  seed: v.unwrap(run.seed),
  clock: v.unwrap(run.clock),
  repeats: Repeats,
  primary: v.picklist(PRIMARY_METRICS),
  until: v.exactOptional(Until),
  preflight: v.boolean(),
  settle: v.boolean(),
  pooledBounds: v.boolean(),
  wire: v.strictObject(WireSchema.entries),
  arms: v.pipe(v.array(Arm), v.minLength(1)),
  cells: v.pipe(v.array(Cell), v.minLength(1), v.maxLength(2 * MAX_CELLS)), // the control adds its own
  reporters: v.array(use("reporter")),
  files: v.exactOptional(
    v.array(
      v.strictObject({
        path: Text,
        bytes: whole(0, MAX_BYTES),
        sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected a SHA-256")),
      }),
    ),
  ),
  engineArgs: v.array(v.string()),
  host: v.unwrap(run.host),
  replicas: v.unwrap(run.replicas),
  planeSettings: v.exactOptional(
    v.strictObject({
      discovery: v.unwrap(plane.discovery),
      requestPlane: v.unwrap(plane.requestPlane),
      eventPlane: v.unwrap(plane.eventPlane),
      etcdUrl: v.exactOptional(v.unwrap(plane.etcdUrl)),
      natsUrl: v.exactOptional(v.unwrap(plane.natsUrl)),
    }),
  ),
  sim: v.exactOptional(Sim),
});
