/** The figures that arms are compared by, and how each is made of the requests of a cell. */
import type { PrimaryMetric } from "../../contract/plan.ts";
import type { CellResult, CellSummary, RequestPoints } from "../../contract/result.ts";
import type { Series } from "../../statistics/bootstrap.ts";
import type { MetricKey } from "../definitions.ts";
import { keeps } from "../tally/slo.ts";

export interface ComparedMetric {
  /** As in `Comparison.metric`: `ttftMs.mean`, `requestRps`. */
  readonly name: PrimaryMetric;
  readonly key: MetricKey;
  /** The figure of a cell; undefined where it has none. */
  readonly read: (cell: CellSummary) => number | undefined;
  /** One value and one weight a request, in order of time: the figure is Σ values / Σ weights. */
  readonly series: (cell: CellResult) => Series;
  /** The quantile of the values that the figure is; left out for quotients. */
  readonly probability?: number;
}

const LATENCIES = ["ttftMs", "tpotMs", "e2eMs"] as const;
const QUANTILES = [
  ["p50", 0.5],
  ["p90", 0.9],
  ["p95", 0.95],
  ["p99", 0.99],
] as const;

const MEANS: readonly ComparedMetric[] = [
  ...LATENCIES.map((key) => latencyMean(key)),
  {
    name: "itlMs.mean",
    key: "itlMs",
    read: ({ metrics }) => metrics.itlMs?.mean,
    series: ({ points }) =>
      inSendOrder(points, {
        values: points.itlMsMean.map((mean, i) => mean * points.gaps[i]!),
        weights: points.gaps,
      }),
  },
  {
    name: "cachedShare",
    key: "cachedShare",
    read: ({ cache }) => cache.cachedShare,
    series: ({ points }) =>
      inSendOrder(points, { values: points.cachedTokens, weights: points.promptTokens }),
  },
  {
    name: "sloShare",
    key: "sloShare",
    read: ({ sloShare }) => sloShare,
    series: (cell) => inSendOrder(cell.points, { values: keptLimits(cell) }),
  },
  rate("requestRps", ({ points }) => points.e2eMs.map((e2e) => (Number.isNaN(e2e) ? NaN : 1))),
  rate("inputTps", ({ points }) => points.promptTokens),
  rate("outputTps", ({ points }) => points.osl),
  { ...rate("goodputRps", keptLimits), read: ({ goodputRps }) => goodputRps },
];

/** Every figure that may be the primary one. */
export const COMPARABLE: readonly ComparedMetric[] = [
  ...MEANS,
  ...LATENCIES.flatMap((key) =>
    QUANTILES.map(([quantile, probability]): ComparedMetric => ({
      ...latencyMean(key),
      name: `${key}.${quantile}`,
      read: ({ metrics }) => metrics[key]?.[quantile],
      probability,
    })),
  ),
];

/** Those that are compared in every run, in the order of tables; where a cell has no such figure it is passed over. */
const ALWAYS: readonly PrimaryMetric[] = [
  "ttftMs.mean",
  "ttftMs.p50",
  "ttftMs.p99",
  "itlMs.mean",
  "tpotMs.mean",
  "e2eMs.mean",
  "requestRps",
  "outputTps",
  "cachedShare",
  "sloShare",
  "goodputRps",
];

/** The primary metric first. */
export function comparedMetrics(primary: PrimaryMetric): ComparedMetric[] {
  const names = [primary, ...ALWAYS.filter((name) => name !== primary)];
  return names.map((name) => COMPARABLE.find((metric) => metric.name === name)!);
}

function latencyMean(key: (typeof LATENCIES)[number]): ComparedMetric {
  return {
    name: `${key}.mean`,
    key,
    read: ({ metrics }) => metrics[key]?.mean,
    series: ({ points }) => inSendOrder(points, { values: points[key] }),
  };
}

/** Amounts of completed requests per second: each is divided by the time since the end before it. */
function rate(
  key: "requestRps" | "inputTps" | "outputTps" | "goodputRps",
  amounts: (cell: CellResult) => readonly number[],
): ComparedMetric {
  return {
    name: key,
    key,
    read: ({ metrics }) => (key === "goodputRps" ? undefined : metrics[key]),
    series: (cell) => {
      const { sentS, latenessMs, e2eMs } = cell.points;
      const values = amounts(cell);
      const dueS = sentS.map((sent, i) => sent - latenessMs[i]! / 1000);
      const endS = dueS.map((due, i) => due + e2eMs[i]! / 1000);
      const rows = [...endS.keys()].filter((i) => !Number.isNaN(endS[i]!));
      rows.sort((a, b) => endS[a]! - endS[b]!);
      let lastS = dueS.reduce((least, due) => Math.min(least, due), Infinity);
      const weights = rows.map((i) => {
        const gapS = endS[i]! - lastS;
        lastS = endS[i]!;
        return gapS;
      });
      return { values: rows.map((i) => values[i]!), weights };
    },
  };
}

/** 1 for each request that kept all limits of `--slo`, 0 for one that did not or failed. */
function keptLimits({ points, cell }: CellResult): number[] {
  const { slo } = cell.load;
  return points.e2eMs.map((e2eMs, i) => {
    const latencies = { ttftMs: points.ttftMs[i]!, tpotMs: points.tpotMs[i]!, e2eMs };
    return slo !== undefined && !Number.isNaN(e2eMs) && keeps(latencies, slo) ? 1 : 0;
  });
}

/** In the order of the workload, so that both arms have the same requests in each part. */
function inSendOrder(points: RequestPoints, series: Series): Series {
  const rows = [...points.index.keys()].sort((a, b) => points.index[a]! - points.index[b]!);
  const { weights } = series;
  return {
    values: rows.map((i) => series.values[i]!),
    ...(weights === undefined ? {} : { weights: rows.map((i) => weights[i]!) }),
  };
}
