/**
 * Arms against arms, at equal parameters, on the same requests.
 *
 * `arm-pairs.ts` chooses the pairs.
 *
 * Intervals: with three or more common repeats, a t interval on the paired log-ratios of the repeats'
 * figures (repeats share their seeds). With fewer, a moving-block bootstrap over the requests, which
 * holds for this run only. A bootstrap draws requests, but a cell has one duration, so requests/s and
 * tokens/s have no interval then and are left out. A comparison is also left out when a figure is not
 * above zero (no ratio), when there are too few requests, and when the two cells had other requests or
 * other time scales, which happens between runs. Latencies of a saturated cell are never compared:
 * they grow with the length of the run.
 */
import type { PlannedArm } from "../../contract/plan.ts";
import { exp, log } from "../../base/portable-math.ts";
import { randomStream } from "../../base/random.ts";
import { armPairs } from "./arm-pairs.ts";
import {
  drawBlocks,
  meanEstimate,
  quantileEstimate,
  RESAMPLES,
  wholeDraw,
  type Estimate,
  type Series,
} from "../../statistics/bootstrap.ts";
import { crossings, mayCross, pointKey } from "./crossing.ts";
import { metricOf, type MetricKey } from "../definitions.ts";
import {
  CONFIDENCE,
  percentileInterval,
  REPEATS_FOR_T,
  REQUESTS_MIN,
  tInterval,
} from "../../statistics/mean-interval.ts";
import type {
  CellResult,
  CellSummary,
  Comparison,
  Interval,
  RequestPoints,
} from "../../contract/result.ts";
import { SATURATED } from "../verdict/saturation.ts";

/** With fewer requests p99 is the slowest request, for which a bootstrap gives no interval. */
const REQUESTS_FOR_P99 = 100;
/** With more requests a quantile's bootstrap takes seconds a pair; repeats serve better there. */
const QUANTILE_REQUESTS_MAX = 50_000;

interface ComparedMetric {
  /** As in `Comparison.metric`. */
  readonly name: string;
  readonly key: MetricKey;
  readonly read: (cell: CellSummary) => number | undefined;
  /** Left out where a bootstrap over requests cannot give the figure. */
  readonly series?: (points: RequestPoints) => Series;
  /** The quantile of the series to compare; its mean when left out. */
  readonly probability?: number;
}

const COMPARED: readonly ComparedMetric[] = [
  latency("ttftMs", "mean"),
  { ...latency("ttftMs", "p50"), probability: 0.5 },
  { ...latency("ttftMs", "p99"), probability: 0.99 },
  {
    name: "itlMs.mean",
    key: "itlMs",
    read: (cell) => cell.metrics.itlMs?.mean,
    series: (points) => ({
      values: points.itlMsMean.map((mean, i) => mean * points.gaps[i]!),
      weights: points.gaps,
    }),
  },
  latency("tpotMs", "mean"),
  latency("e2eMs", "mean"),
  { name: "requestRps", key: "requestRps", read: (cell) => cell.metrics.requestRps },
  { name: "outputTps", key: "outputTps", read: (cell) => cell.metrics.outputTps },
  {
    name: "cachedShare",
    key: "cachedShare",
    read: (cell) => cell.cache.cachedShare,
    series: (points) => ({ values: points.cachedTokens, weights: points.promptTokens }),
  },
];

/** All comparisons of completed cells, in order of parameters, arms and metrics. */
export function compareArms(
  cells: readonly CellResult[],
  plan: {
    readonly arms: readonly PlannedArm[];
    readonly seed: number;
    /** Compare every pair of arms, not only the pairs that matter most. */
    readonly everyPair?: boolean;
  },
): Comparison[] {
  const completed = cells.filter((cell) => cell.summary.state === "completed");
  const pairsOfArms = armPairs(plan.arms, {
    cells: completed.map(({ summary }) => summary),
    every: plan.everyPair === true,
  });
  const across = crossings(
    plan.arms,
    completed.map(({ summary }) => summary),
  );
  const points = Map.groupBy(completed, (cell) => pointKey(cell.summary.parameters));
  return [...points].flatMap(([key, atPoint]) =>
    pairsOfArms.flatMap(([a, b]) => {
      if (!mayCross(plan.arms[a]!, plan.arms[b]!, { key, crossings: across })) return [];
      const pairs = pairRepeats(atPoint, a, b);
      if (pairs.length === 0) return [];
      const labels = {
        a: plan.arms[a]!.label,
        b: plan.arms[b]!.label,
        parameters: pairs[0]!.a.summary.parameters,
      };
      const seed = { seed: plan.seed, names: [key, labels.a, labels.b] };
      const all =
        pairs.length >= REPEATS_FOR_T
          ? compareRepeats(pairs, labels)
          : compareRequests(pairs, labels, seed);
      return pairs.some(isSaturated) ? all.filter(({ metric }) => !QUEUED.test(metric)) : all;
    }),
  );
}

/** Figures that a growing queue makes larger the longer the run is. */
const QUEUED = /^(ttftMs|e2eMs)\./;

function isSaturated({ a, b }: RepeatPair): boolean {
  return [a, b].some(({ summary }) => summary.verdict.reasons.some(({ id }) => id === SATURATED));
}

interface RepeatPair {
  readonly a: CellResult;
  readonly b: CellResult;
}

type Labels = Pick<Comparison, "a" | "b" | "parameters">;

function latency(key: "ttftMs" | "tpotMs" | "e2eMs", statistic: "mean" | "p50" | "p99") {
  return {
    name: `${key}.${statistic}`,
    key,
    read: (cell: CellSummary) => cell.metrics[key]?.[statistic],
    series: (points: RequestPoints) => ({ values: points[key] }),
  };
}

function pairRepeats(cells: readonly CellResult[], a: number, b: number): RepeatPair[] {
  return cells
    .filter((cell) => cell.cell.arm === a)
    .flatMap((cell) => {
      const partner = cells.find((other) => other.cell.arm === b && isAlike(cell, other));
      return partner === undefined ? [] : [{ a: cell, b: partner }];
    })
    .sort((x, y) => x.a.cell.repeat - y.a.cell.repeat);
}

/** The same requests on the same time scale. */
function isAlike(a: CellResult, b: CellResult): boolean {
  return (
    a.cell.repeat === b.cell.repeat &&
    a.cell.seed === b.cell.seed &&
    a.summary.timeScale === b.summary.timeScale &&
    JSON.stringify(a.cell.workload) === JSON.stringify(b.cell.workload)
  );
}

function compareRepeats(pairs: readonly RepeatPair[], labels: Labels): Comparison[] {
  return COMPARED.flatMap((metric) => {
    const a = pairs.map((pair) => metric.read(pair.a.summary) ?? NaN);
    const b = pairs.map((pair) => metric.read(pair.b.summary) ?? NaN);
    if (![...a, ...b].every((value) => value > 0)) return [];
    const logRatio = tInterval(a.map((value, i) => log(b[i]! / value)));
    const ratio = { value: exp(logRatio.value), low: exp(logRatio.low), high: exp(logRatio.high) };
    return {
      ...labels,
      metric: metric.name,
      unit: metricOf(metric.key).unit,
      ratio,
      difference: tInterval(a.map((value, i) => b[i]! - value)),
      confidence: CONFIDENCE,
      method: "t on log-ratio of repeat means",
      n: pairs.length,
      unitOfN: "repeats",
    };
  });
}

function compareRequests(
  pairs: readonly RepeatPair[],
  labels: Labels,
  seed: { readonly seed: number; readonly names: readonly string[] },
): Comparison[] {
  const common = pairs.map(commonRequests);
  const sizes = common.map((repeat) => repeat.a.index.length);
  const n = sizes.reduce((sum, size) => sum + size, 0);
  if (n < REQUESTS_MIN || sizes.some((size) => size === 0)) return [];
  const judged = COMPARED.flatMap((metric) => {
    const { series } = metric;
    if (series === undefined || !hasEnough(metric, n)) return [];
    const a = estimateOf(
      metric,
      common.map((repeat) => series(repeat.a)),
    );
    const b = estimateOf(
      metric,
      common.map((repeat) => series(repeat.b)),
    );
    return { metric, a, b, drawn: { a: [] as number[], b: [] as number[] } };
  });
  const random = randomStream(seed.seed, "bootstrap", ...seed.names);
  for (let i = 0; i < RESAMPLES; i += 1) {
    const draws = drawBlocks(sizes, random);
    for (const { a, b, drawn } of judged) {
      drawn.a.push(a(draws));
      drawn.b.push(b(draws));
    }
  }
  const whole = wholeDraw(sizes);
  return judged.flatMap(({ metric, a, b, drawn }) => {
    const intervals = bootstrapIntervals({ a: a(whole), b: b(whole) }, drawn);
    if (intervals === undefined) return [];
    return {
      ...labels,
      metric: metric.name,
      unit: metricOf(metric.key).unit,
      ...intervals,
      confidence: CONFIDENCE,
      method: "moving-block bootstrap, this run only",
      n,
      unitOfN: "requests",
    };
  });
}

function hasEnough(metric: ComparedMetric, n: number): boolean {
  if (metric.probability === undefined) return true;
  return n <= QUANTILE_REQUESTS_MAX && (metric.probability < 0.9 || n >= REQUESTS_FOR_P99);
}

function estimateOf(metric: ComparedMetric, series: readonly Series[]): Estimate {
  return metric.probability === undefined
    ? meanEstimate(series)
    : quantileEstimate(series, metric.probability);
}

/** Percentile intervals; undefined where a figure or a resampled one is not above zero. */
function bootstrapIntervals(
  figures: { readonly a: number; readonly b: number },
  drawn: { readonly a: readonly number[]; readonly b: readonly number[] },
): { ratio: Interval; difference: Interval } | undefined {
  const all = [figures.a, figures.b, ...drawn.a, ...drawn.b];
  if (!all.every((value) => value > 0)) return undefined;
  const intervalOf = (of: (a: number, b: number) => number): Interval => {
    const resampled = drawn.a.map((a, i) => of(a, drawn.b[i]!));
    return percentileInterval(of(figures.a, figures.b), resampled);
  };
  return { ratio: intervalOf((a, b) => b / a), difference: intervalOf((a, b) => b - a) };
}

/** The requests that both arms sent, in the workload's order, which is the order of sending. */
function commonRequests(pair: RepeatPair): { a: RequestPoints; b: RequestPoints } {
  const rowOfB = new Map(pair.b.points.index.map((index, row) => [index, row]));
  const rows = pair.a.points.index
    .map((index, row) => ({ index, a: row, b: rowOfB.get(index) }))
    .filter((row) => row.b !== undefined)
    .sort((x, y) => x.index - y.index);
  return {
    a: pickRows(
      pair.a.points,
      rows.map((row) => row.a),
    ),
    b: pickRows(
      pair.b.points,
      rows.map((row) => row.b!),
    ),
  };
}

function pickRows(points: RequestPoints, rows: readonly number[]): RequestPoints {
  const picked = Object.entries(points).map(([key, column]) => [
    key,
    rows.map((row) => (column as number[])[row]!),
  ]);
  return Object.fromEntries(picked) as RequestPoints;
}
