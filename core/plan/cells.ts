/** The cells of a plan: every arm at every point of the sweep, repeated, in the order in which they run. */
import { balancedTurns } from "./arm-order.ts";
import type { PlannedPoint } from "./planned-points.ts";
import { combinations, pointLabel, workloadPart, type Axis } from "./sweep.ts";
import type { Fault } from "../base/errors.ts";
import { deriveSeed } from "../base/random.ts";
import type { PlannedArm, PlannedCell } from "../contract/plan.ts";

/** More cells than this are a mistake in a sweep: at ten seconds each they take a day. */
export const MAX_CELLS = 10_000;

/** Known before the points are made, which would fill the memory. */
export function countFaults(
  axes: readonly Axis[],
  { arms, repeats }: { arms: number; repeats: number },
): Fault[] {
  const points = combinations(axes);
  const cells = points * arms * repeats;
  if (cells <= MAX_CELLS) return [];
  return [
    {
      path: points > MAX_CELLS ? "run.sweep" : "run.repeat",
      message: `makes ${cells} cells, more than ${MAX_CELLS}`,
      hint: "Sweep fewer values, or repeat less often",
    },
  ];
}

/** Arms that share an engine are interleaved; another engine is started after their last cell. */
export function planCells(
  arms: readonly PlannedArm[],
  points: readonly PlannedPoint[],
  { axes, repeats, seed }: { axes: readonly Axis[]; repeats: number; seed: number },
): PlannedCell[] {
  const groups = Map.groupBy(arms.keys(), (arm) => arms[arm]!.engineKey);
  return [...groups.values()].flatMap((group) =>
    balancedTurns(group, points.length, repeats).flatMap(({ point, repeat, arms: order }) => {
      const { parameters, workload, load } = points[point]!;
      const own = cellSeed({ parameters, repeat }, { axes, seed });
      return order.map((arm): PlannedCell => ({
        id: cellId({ parameters, repeat }, arms[arm]!),
        arm,
        parameters,
        repeat,
        seed: own,
        workload,
        load,
      }));
    }),
  );
}

/** `r0-prefixRatio=0.5-kv`. */
export function cellId(
  { parameters, repeat }: Pick<PlannedCell, "parameters" | "repeat">,
  { label }: Pick<PlannedArm, "label">,
): string {
  const point = pointLabel(parameters).replaceAll(" ", ",");
  return [`r${repeat}`, point, label].filter((part) => part !== "").join("-");
}

/** The load shape does not enter: every concurrency of a sweep gets the same requests. */
export function cellSeed(
  { parameters, repeat }: Pick<PlannedCell, "parameters" | "repeat">,
  { axes, seed }: { axes: readonly Pick<Axis, "key" | "scope">[]; seed: number },
): number {
  return deriveSeed(seed, JSON.stringify(workloadPart(parameters, axes)), repeat);
}
