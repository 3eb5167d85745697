/**
 * The headline of a report of several runs. No run wins against another: the headline states whether
 * they agree about the routers, and how far their figures differ.
 */
import type { CellSummary, Comparison } from "../../core/contract/result.ts";
import { formatRatio } from "../../core/metrics/summary/format.ts";
import { invertInterval, type Headline } from "../../core/metrics/summary/headline.ts";
import { mean, meanOf, measureOf } from "./measures.ts";
import { pointKey } from "../../core/metrics/point.ts";
import { type SweepPoint } from "../../core/metrics/summary/sweep.ts";

/** Routers of several runs beside each other; null: this run has no such router. */
export interface SideBySide {
  runs: readonly string[];
  routers: { label: string; arms: (number | null)[] }[];
}

interface Plan {
  arms: readonly string[];
  points: readonly SweepPoint[];
  sideBySide: SideBySide;
}

/** `arms` as `sideBySide` counts them. */
export function writeRunsHeadline(
  cells: readonly CellSummary[],
  comparisons: readonly Comparison[],
  plan: Plan,
): Headline {
  const apart = describeApart(cells, plan);
  const gain = largestGain(comparisons, plan);
  if (gain === undefined) {
    const sentence = apart ?? "The runs have no setting and router in common.";
    return { state: apart === undefined ? "empty" : "single", sentence, why: [] };
  }
  const { point, better, other, ratios } = gain;
  const label = plan.points[point]!.label;
  const each = plan.sideBySide.runs
    .map((run, i) => `${formatRatio(ratios[i]!)} (${run})`)
    .join(" and ");
  const sentence = `${label === "" ? "The" : `At ${label} the`} mean TTFT of ${better} is ${each} that of ${other}.`;
  return { state: "single", sentence, why: apart === undefined ? [] : [apart], point };
}

interface Gain {
  point: number;
  better: string;
  other: string;
  /** better / other, in each run. */
  ratios: number[];
}

/** The pair and setting, compared in every run, whose gain in the first run is the largest. */
function largestGain(comparisons: readonly Comparison[], plan: Plan): Gain | undefined {
  const { routers, runs } = plan.sideBySide;
  const known = ratiosOf(comparisons);
  const gains = routers.flatMap((one) =>
    routers.flatMap((other) =>
      plan.points.flatMap((_, point): Gain[] => {
        if (one === other) return [];
        const ratios = runs.flatMap((__, run) => {
          const [a, b] = [other.arms[run], one.arms[run]];
          if (typeof a !== "number" || typeof b !== "number") return [];
          const at = { a: plan.arms[a]!, b: plan.arms[b]!, key: keyOf(plan, point) };
          const ratio = known.get(ratioKey(at));
          return ratio === undefined ? [] : [ratio];
        });
        if (ratios.length < runs.length) return [];
        return [{ point, better: one.label, other: other.label, ratios }];
      }),
    ),
  );
  return gains.sort((x, y) => x.ratios[0]! - y.ratios[0]!)[0];
}

function keyOf({ points }: Plan, point: number): string {
  return pointKey(points[point]!.parameters);
}

/** Ratios b / a of mean TTFT, by arms and point. */
function ratiosOf(comparisons: readonly Comparison[]): ReadonlyMap<string, number> {
  const ratios = new Map<string, number>();
  for (const { a, b, metric, parameters, ratio } of comparisons) {
    if (measureOf(metric)?.key !== "ttftMs") continue;
    const key = pointKey(parameters);
    ratios.set(ratioKey({ a, b, key }), ratio.value);
    ratios.set(ratioKey({ a: b, b: a, key }), invertInterval(ratio).value);
  }
  return ratios;
}

function ratioKey({ a, b, key }: { a: string; b: string; key: string }): string {
  return JSON.stringify([a, b, key]);
}

/** Ratios of the other runs' figures to those of the first run, over all cells that both measured. */
function describeApart(cells: readonly CellSummary[], plan: Plan): string | undefined {
  const { runs, routers } = plan.sideBySide;
  const groups = Map.groupBy(cells, (cell) =>
    JSON.stringify([cell.arm, pointKey(cell.parameters)]),
  );
  const meanAt = (arm: number | null | undefined, point: number): number | undefined => {
    if (typeof arm !== "number") return undefined;
    const own = groups.get(JSON.stringify([plan.arms[arm], keyOf(plan, point)])) ?? [];
    return mean(own.map((cell) => meanOf(cell, "ttftMs")));
  };
  const clauses = runs.slice(1).flatMap((run, i) => {
    const ratios = routers.flatMap(({ arms }) =>
      plan.points.flatMap((_, point) => {
        const [first, value] = [meanAt(arms[0], point), meanAt(arms[i + 1], point)];
        return first === undefined || value === undefined ? [] : [value / first];
      }),
    );
    if (ratios.length === 0) return [];
    const [low, high] = [Math.min(...ratios), Math.max(...ratios)].map(formatRatio);
    const range = low === high ? low! : `${low} to ${high}`;
    return [
      `mean TTFT of ${run} is ${range} that of ${runs[0]!} over ${ratios.length} common cells`,
    ];
  });
  return clauses.length === 0 ? undefined : `The ${clauses.join("; the ")}.`;
}
