/** The points of a sweep: what was typed for workload and load at each, and what that amounts to. */
import type { TypedOptions } from "./assign.ts";
import { loadShape } from "./load-shape.ts";
import { optionSpecs } from "./option-spec.ts";
import { parseOptions, parseUse } from "./parse-options.ts";
import { points, type Axis, type Point } from "./sweep.ts";
import type { TypedPlan } from "./typed-options.ts";
import type { Fault } from "../base/errors.ts";
import type { LoadShape, PluginUse } from "../contract/plan.ts";
import type { OptionsSchema } from "../contract/plugin.ts";
import type { Workload } from "../contract/workload.ts";

export interface PlannedPoint {
  readonly parameters: Point;
  readonly workload: PluginUse;
  readonly load: LoadShape;
}

/** One for each combination of the axes; a point whose options do not pass is left out, with its faults. */
export function planPoints(
  axes: readonly Axis[],
  { workload, load }: Pick<TypedPlan, "workload" | "load">,
  faults: Fault[],
): PlannedPoint[] {
  const plugin = workload.loaded.plugin as Workload;
  return points(axes).flatMap((parameters): PlannedPoint[] => {
    const at = { axes, parameters };
    const use = parseUse({ ...workload, ...withPoint(workload, at) }, faults);
    const options = parseOptions(withPoint(load, at), faults);
    if (!use || !options) return [];
    for (const fault of plugin.check?.(use.options) ?? []) {
      faults.push({ ...fault, path: `workload.${fault.path}` });
    }
    return [{ parameters, workload: use, load: loadShape(options, plugin, faults) }];
  });
}

/** The values of the point in place of what was typed. */
function withPoint<Schema extends OptionsSchema>(
  { scope, typed }: TypedOptions<Schema>,
  { axes, parameters }: { axes: readonly Axis[]; parameters: Point },
): TypedOptions<Schema> {
  const swept = new Set(axes.filter((axis) => axis.scope === scope.kind).map(({ key }) => key));
  const kept = [...typed].filter(([{ key }]) => !swept.has(key));
  const set = optionSpecs(scope.schema).filter(({ key }) => swept.has(key));
  const values = set.map(
    (spec) => [spec, { name: spec.flag, value: parameters[spec.key], origin: spec.flag }] as const,
  );
  return { scope, typed: new Map([...kept, ...values]) };
}
