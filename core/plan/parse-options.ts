/** Typed options → the complete output of their schemas, with every fault named by its place. */
import * as v from "valibot";
import type { TypedOptions } from "./assign.ts";
import { issueFault, valueFault } from "./option-faults.ts";
import { coerce } from "./raw-option.ts";
import type { PlaneOptions } from "./plane-options.ts";
import type { TypedPoint } from "./points.ts";
import type { LoadOptions } from "./run-options.ts";
import type { SimOptions } from "./sim-options.ts";
import type { TypedPlan, TypedPlugin } from "./typed-options.ts";
import { given } from "../base/given.ts";
import type { Fault } from "../base/errors.ts";
import type { PluginUse } from "../contract/plan.ts";
import type { OptionsSchema } from "../contract/plugin.ts";

/** The schema's output with all defaults; undefined, with the reasons in `faults`, where a value does not pass. */
export function parseOptions<Schema extends OptionsSchema>(
  { scope, typed }: TypedOptions<Schema>,
  faults: Fault[],
): v.InferOutput<Schema> | undefined {
  const raw: Record<string, unknown> = {};
  const broken = new Set<string>();
  for (const [spec, option] of typed) {
    const isBare = option.value === true && spec.type !== "boolean";
    const result = isBare ? { fault: "needs a value" } : coerce(spec, option.value);
    if ("fault" in result) {
      broken.add(spec.key);
      faults.push(valueFault(result.fault, { scope, spec, value: option.value }));
    } else raw[spec.key] = result.value;
  }
  const parsed = v.safeParse(scope.schema, raw);
  if (parsed.success) return broken.size === 0 ? parsed.output : undefined;
  const issues = parsed.issues.filter(({ path }) => !broken.has(String(path?.[0]?.key ?? "")));
  faults.push(...issues.map((issue) => issueFault(issue, scope)));
  return undefined;
}

/** A plugin with its parsed options, as plans name it; undefined where they do not pass. */
function parseUse(plugin: TypedPlugin, faults: Fault[]): PluginUse | undefined {
  const options = parseOptions(plugin, faults);
  if (!options) return undefined;
  const { source, digest } = plugin.loaded;
  const { kind, name } = plugin.loaded.plugin;
  return { kind, name, source, ...given({ digest }), options: options };
}

/** All parts of a plan; undefined stands for a part whose options do not pass. */
export interface ParsedPlan {
  readonly sim: SimOptions | undefined;
  readonly plane: PlaneOptions | undefined;
  readonly arms: readonly (ParsedArm | undefined)[];
  readonly points: readonly (ParsedPoint | undefined)[];
  readonly reporters: readonly (PluginUse | undefined)[];
}

export interface ParsedArm {
  readonly engine: PluginUse;
  readonly router: PluginUse;
}

export interface ParsedPoint {
  readonly workload: PluginUse;
  readonly load: LoadOptions;
}

/** Parses everything but the run's options: they are parsed earlier, because they determine the points. */
export function parsePlan(
  typed: TypedPlan,
  points: readonly TypedPoint[],
  faults: Fault[],
): ParsedPlan {
  const sim = parseOptions(typed.sim, faults);
  const plane = parseOptions(typed.plane, faults);
  const arms = typed.arms.map((arm) => {
    const engine = parseUse(arm.engine, faults);
    const router = parseUse(arm.router, faults);
    return engine && router && { engine, router };
  });
  const reporters = typed.reporters.map((reporter) => parseUse(reporter, faults));
  const parsedPoints = points.map((point) => {
    const workload = parseUse(point.workload, faults);
    const load = parseOptions(point.load, faults);
    return workload && load && { workload, load };
  });
  return { sim, plane, arms, points: parsedPoints, reporters };
}
