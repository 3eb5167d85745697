/** The points of a sweep: what was typed for workload and load, with the swept values in place. */
import type { TypedOptions } from "./assign.ts";
import type { LoadOptions } from "./run-options.ts";
import { points, type Axis, type Point } from "./sweep.ts";
import type { TypedPlan, TypedPlugin } from "./typed-options.ts";
import type { OptionsSchema } from "../contract/plugin.ts";

export interface TypedPoint {
  readonly parameters: Point;
  readonly workload: TypedPlugin;
  readonly load: TypedOptions<typeof LoadOptions>;
}

/** One for each combination of the axes, with its values in place of what was typed. */
export function typedPoints(
  axes: readonly Axis[],
  { workload, load }: Pick<TypedPlan, "workload" | "load">,
): TypedPoint[] {
  return points(axes).map((parameters) => ({
    parameters,
    workload: { ...workload, ...withValues(workload, axes, parameters) },
    load: withValues(load, axes, parameters),
  }));
}

function withValues<Schema extends OptionsSchema>(
  { scope, typed }: TypedOptions<Schema>,
  axes: readonly Axis[],
  parameters: Point,
): TypedOptions<Schema> {
  const swept = new Set(axes.filter((axis) => axis.scope === scope.kind).map(({ key }) => key));
  const kept = [...typed].filter(([{ key }]) => !swept.has(key));
  const values = scope.specs
    .filter(({ key }) => swept.has(key))
    .map(
      (spec) =>
        [spec, { name: spec.flag, value: parameters[spec.key], origin: spec.flag }] as const,
    );
  return { scope, typed: new Map([...kept, ...values]) };
}
