/** The completed cells of a run as they are compared: points, pairs of arms, repeats that match. */
import type { PlannedArm, PrimaryMetric, Until } from "../../contract/plan.ts";
import type { CellResult } from "../../contract/result.ts";
import { CONFIDENCE } from "../../statistics/mean-interval.ts";
import { arePooled, type Layout } from "../../statistics/repeats-by-parts.ts";
import { SATURATED } from "../verdict/saturation.ts";
import { armPairs, usualPairs, type ArmPair } from "./arm-pairs.ts";
import { comparedMetrics, type ComparedMetric } from "./compared.ts";
import { crossings, isOnePlane } from "./crossing.ts";
import { Estimator, type Estimated, type RepeatPair } from "./estimates.ts";
import { errorShare } from "../looks.ts";
import { pointKey } from "../point.ts";

export interface ComparedPlan {
  readonly arms: readonly PlannedArm[];
  readonly seed: number;
  readonly primary: PrimaryMetric;
  readonly until?: Until;
  /** Compare every pair of arms, not only the pairs that matter most. */
  readonly everyPair?: boolean;
}

export interface ComparedRun {
  readonly arms: readonly PlannedArm[];
  /** The primary one first. */
  readonly metrics: readonly ComparedMetric[];
  readonly points: readonly ComparedPoint[];
  /** Pairs with a reference, known before anything is measured. */
  readonly usual: readonly ArmPair[];
  /** These, and pairs chosen by their results. */
  readonly pairs: readonly ArmPair[];
  readonly estimator: Estimator;
  /** Share of comparisons of a kind that may be wrong. */
  readonly error: number;
  mayCompare(pair: ArmPair, point: ComparedPoint): boolean;
  /** Whether the parts of repeats count in the intervals of a metric. */
  isPooled(metric: ComparedMetric): boolean;
}

export interface ComparedPoint {
  readonly key: string;
  readonly cells: readonly CellResult[];
  readonly ofArm: ReadonlyMap<number, readonly CellResult[]>;
}

export function comparedRun(cells: readonly CellResult[], plan: ComparedPlan): ComparedRun {
  const { arms } = plan;
  const completed = cells.filter((cell) => cell.summary.state === "completed");
  const summaries = completed.map(({ summary }) => summary);
  const crossed = crossings(arms, summaries).filter(({ isFair }) => isFair);
  const fair = new Set(crossed.map(({ parameters }) => pointKey(parameters)));
  const points = Map.groupBy(completed, ({ summary }) => pointKey(summary.parameters));
  const repeats = completed.reduce((most, { cell }) => Math.max(most, cell.repeat + 1), 1);
  const alike = {
    points: Array.from(points, ([key, atPoint]) => ({
      key,
      cells: atPoint,
      ofArm: Map.groupBy(atPoint, ({ cell }) => cell.arm),
    })),
    usual: usualPairs(arms),
    estimator: new Estimator(plan.seed),
  };
  return {
    ...alike,
    arms,
    metrics: comparedMetrics(plan.primary),
    isPooled: poolingOf(alike),
    pairs: armPairs(arms, { cells: summaries, every: plan.everyPair === true }),
    error: (1 - CONFIDENCE) * errorShare(plan.until, repeats),
    mayCompare: ([a, b], { key }) => fair.has(key) || isOnePlane(arms[a]!, arms[b]!),
  };
}

/** Undefined where a metric has no interval, or cannot be compared. */
export function estimateAt(
  metric: ComparedMetric,
  pairs: readonly RepeatPair[],
  { key, run }: { key: string; run: ComparedRun },
): Estimated | undefined {
  if (QUEUED.test(metric.name) && pairs.some(isSaturated)) return undefined;
  if (run.estimator.missing(metric, pairs) !== undefined) return undefined;
  return run.estimator.estimate(metric, pairs, { key, isPooled: run.isPooled(metric) });
}

/** One decision for all comparisons of a metric with a reference (`arePooled`), which were run alike. */
function poolingOf({
  points,
  usual,
  estimator,
}: Pick<ComparedRun, "points" | "usual" | "estimator">) {
  const known = new Map<string, boolean>();
  return (metric: ComparedMetric): boolean => {
    const layouts = (): Layout[] =>
      points.flatMap((point) =>
        usual.flatMap((pair) => {
          const pairs = pairRepeats(point, pair);
          return pairs.length < 2 ? [] : (estimator.layouts(metric, pairs)?.ratio ?? []);
        }),
      );
    const isPooled = known.get(metric.name) ?? arePooled(layouts());
    known.set(metric.name, isPooled);
    return isPooled;
  };
}

/** Figures that a growing queue makes larger the longer the run is. */
const QUEUED = /^(ttftMs|e2eMs)\./;

function isSaturated({ a, b }: RepeatPair): boolean {
  return [a, b].some(({ summary }) => summary.verdict.reasons.some(({ id }) => id === SATURATED));
}

/** The repeats of two arms at a point; none where they may not be compared there. */
export function comparableRepeats(
  run: ComparedRun,
  point: ComparedPoint,
  pair: ArmPair,
): RepeatPair[] {
  return run.mayCompare(pair, point) ? pairRepeats(point, pair) : [];
}

/** The repeats that both arms completed, in order. */
export function pairRepeats({ ofArm }: ComparedPoint, [a, b]: ArmPair): RepeatPair[] {
  const partners = Map.groupBy(ofArm.get(b) ?? [], ({ cell }) => cell.repeat);
  return (ofArm.get(a) ?? [])
    .flatMap((cell) => {
      const partner = partners.get(cell.cell.repeat)?.find((other) => isAlike(cell, other));
      return partner === undefined ? [] : [{ a: cell, b: partner }];
    })
    .sort((x, y) => x.a.cell.repeat - y.a.cell.repeat);
}

/** The same requests on the same time scale. */
function isAlike(a: CellResult, b: CellResult): boolean {
  return (
    a.cell.seed === b.cell.seed &&
    a.summary.timeScale === b.summary.timeScale &&
    JSON.stringify(a.cell.workload) === JSON.stringify(b.cell.workload)
  );
}
