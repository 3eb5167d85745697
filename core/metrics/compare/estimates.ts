/**
 * How much two arms differ in one metric at one point, as an interval at any level of confidence.
 *
 * A figure that is a quotient of sums (a mean, a share, a rate) has a value in each repeat, and the
 * requests of each part of a repeat move it by their influence on the quotient (the delta method);
 * `repeats-by-parts.ts` makes an interval of these. A quantile has no such influence; it is taken
 * over the requests of all repeats together and resampled, by repeats and by blocks of requests
 * (`bootstrap.ts`). Both are computed on logarithms, where a halving is as far as a doubling.
 */
import { exp, log } from "../../base/portable-math.ts";
import { randomStream } from "../../base/random.ts";
import type { CellResult, ComparisonMethod, Interval } from "../../contract/result.ts";
import {
  drawRepeats,
  quantileEstimate,
  quantileResamples,
  wholeDraw,
  type Series,
} from "../../statistics/bootstrap.ts";
import { CONFIDENCE, percentileInterval } from "../../statistics/mean-interval.ts";
import {
  estimate,
  intervalOf,
  layoutOf,
  partsOf,
  PARTS,
  PARTS_ALONE,
  REQUESTS_A_PART,
  type Layout,
} from "../../statistics/repeats-by-parts.ts";
import { tQuantile } from "../../statistics/student-t.ts";
import type { ComparedMetric } from "./compared.ts";

/** The same repeat of both arms: the same requests on the same time scale. */
export interface RepeatPair {
  readonly a: CellResult;
  readonly b: CellResult;
}

export interface Estimated {
  /** b / a. */
  ratio(confidence: number): Interval;
  /** b − a at the usual confidence. */
  readonly difference: Interval;
  readonly method: ComparisonMethod;
}

/** A quantile has an interval where so many requests lie beyond it, */
const REQUESTS_BEYOND = 10;
/** and where so many repeats were run: what is rare differs from repeat to repeat. */
const REPEATS_FOR_QUANTILE = [
  { from: 0.99, repeats: 5 },
  { from: 0.9, repeats: 3 },
] as const;
/** With more requests its bootstrap takes seconds an arm. */
const QUANTILE_REQUESTS_MAX = 200_000;

export class Estimator {
  readonly #seed: number;
  readonly #series = new Map<CellResult, Map<string, Series>>();
  /** By metric and number of parts. */
  readonly #influences = new Map<CellResult, Map<string, readonly number[]>>();
  /** By metric and the cells' places in `#cells`. */
  readonly #resampled = new Map<string, Resampled>();
  readonly #cells = new Map<CellResult, number>();

  /** `seed`: of the resamples. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** What is missing for an interval; undefined where nothing is. */
  missing(metric: ComparedMetric, pairs: readonly RepeatPair[]): string | undefined {
    const sizes = pairs.flatMap(({ a, b }) => [requestsOf(a), requestsOf(b)]);
    const all = sizes.reduce((sum, size) => sum + size, 0) / 2;
    const { probability } = metric;
    if (probability === undefined) {
      if (partsOf(pairs.length, Math.min(...sizes)) > 0) return undefined;
      return `an interval within one run needs ${PARTS_ALONE * REQUESTS_A_PART} requests, there are ${all}`;
    }
    const requests = Math.round(REQUESTS_BEYOND / (1 - probability));
    const repeats = REPEATS_FOR_QUANTILE.find(({ from }) => probability >= from)?.repeats ?? 1;
    if (all > QUANTILE_REQUESTS_MAX) return `more than ${QUANTILE_REQUESTS_MAX} requests`;
    if (all >= requests && pairs.length >= repeats) return undefined;
    return `needs ${requests} requests and ${repeats} repeats at each point, there are ${all} in ${pairs.length}`;
  }

  /** Undefined where a figure is not above zero, so that there is no ratio. */
  estimate(
    metric: ComparedMetric,
    pairs: readonly RepeatPair[],
    { key, isPooled }: { key: string; isPooled: boolean },
  ): Estimated | undefined {
    if (metric.probability !== undefined) return this.#quantile(metric, pairs, key);
    const layouts = this.layouts(metric, pairs);
    if (layouts === undefined) return undefined;
    const ratio = estimate(layouts.ratio, isPooled);
    return {
      ratio: (confidence) => exponential(intervalOf(ratio, confidence)),
      difference: intervalOf(estimate(layouts.difference, isPooled), CONFIDENCE),
      method:
        pairs.length === 1
          ? "t on log-ratios of ten parts, this run only"
          : "t on log-ratios of repeats and their quarters",
    };
  }

  /** Of the log-ratio and of the difference of a quotient; undefined where there is no ratio. */
  layouts(
    metric: ComparedMetric,
    pairs: readonly RepeatPair[],
  ): { readonly ratio: Layout; readonly difference: Layout } | undefined {
    const sizes = pairs.flatMap(({ a, b }) => [requestsOf(a), requestsOf(b)]);
    const parts = partsOf(pairs.length, Math.min(...sizes));
    const logs: number[][] = [];
    const differences: number[][] = [];
    for (const { a, b } of pairs) {
      const [valueA, valueB] = [metric.read(a.summary), metric.read(b.summary)];
      if (!(valueA! > 0 && valueB! > 0)) return undefined;
      const [inA, inB] = [a, b].map((cell) => this.#influencesOf(metric, cell, parts));
      const ratio = log(valueB! / valueA!);
      logs.push(inA!.map((part, i) => ratio + inB![i]! - part));
      differences.push(
        inA!.map((part, i) => valueB! - valueA! + valueB! * inB![i]! - valueA! * part),
      );
    }
    return { ratio: layoutOf(logs), difference: layoutOf(differences) };
  }

  #quantile(
    metric: ComparedMetric,
    pairs: readonly RepeatPair[],
    key: string,
  ): Estimated | undefined {
    const [a, b] = (["a", "b"] as const).map((side) =>
      this.#resample(
        metric,
        pairs.map((pair) => pair[side]),
        key,
      ),
    ) as [Resampled, Resampled];
    const all = [a.value, b.value, ...a.drawn, ...b.drawn];
    if (!all.every((value) => value > 0)) return undefined;
    const drawn = a.drawn.slice(0, b.drawn.length); // of fewer requests there are more resamples
    const logs = percentileInterval(
      log(b.value / a.value),
      drawn.map((value, i) => log(b.drawn[i]! / value)),
    );
    const degrees = pairs.length === 1 ? PARTS_ALONE - 1 : PARTS * (pairs.length - 1);
    return {
      ratio: (confidence) => exponential(widened(logs, degrees, confidence)),
      difference: percentileInterval(
        b.value - a.value,
        drawn.map((value, i) => b.drawn[i]! - value),
      ),
      method:
        pairs.length === 1
          ? "bootstrap of blocks of requests, this run only"
          : "bootstrap of repeats and blocks of requests",
    };
  }

  /** Arms with equally many requests are resampled alike, which keeps what they have in common. */
  #resample(metric: ComparedMetric, cells: readonly CellResult[], key: string): Resampled {
    const name = `${metric.name} ${cells.map((cell) => this.#placeOf(cell)).join(" ")}`;
    const known = this.#resampled.get(name);
    if (known !== undefined) return known;
    const series = cells.map((cell) => this.#seriesOf(metric, cell));
    const sizes = series.map(({ values }) => values.length);
    const quantile = quantileEstimate(series, metric.probability!);
    const random = randomStream(this.#seed, "bootstrap", key);
    const count = quantileResamples(sizes.reduce((sum, size) => sum + size, 0));
    const drawn = Array.from({ length: count }, () => quantile(drawRepeats(sizes, random)));
    const resampled = { value: quantile(wholeDraw(sizes)), drawn };
    this.#resampled.set(name, resampled);
    return resampled;
  }

  /** Kept instead of the series, which are as long as the cell. */
  #influencesOf(metric: ComparedMetric, cell: CellResult, parts: number): readonly number[] {
    const ofCell = this.#influences.get(cell) ?? new Map<string, readonly number[]>();
    const key = `${metric.name} ${parts}`;
    const known = ofCell.get(key) ?? influences(metric.series(cell), parts);
    this.#influences.set(cell, ofCell.set(key, known));
    return known;
  }

  #seriesOf(metric: ComparedMetric, cell: CellResult): Series {
    const ofCell = this.#series.get(cell) ?? new Map<string, Series>();
    const known = ofCell.get(metric.key) ?? metric.series(cell);
    this.#series.set(cell, ofCell.set(metric.key, known));
    return known;
  }

  #placeOf(cell: CellResult): number {
    const place = this.#cells.get(cell) ?? this.#cells.size;
    this.#cells.set(cell, place);
    return place;
  }
}

interface Resampled {
  readonly value: number;
  readonly drawn: readonly number[];
}

function requestsOf({ summary }: CellResult): number {
  return summary.requests.ok;
}

/**
 * By how much the requests of each part move Σ values / Σ weights, relative to it, when the part
 * counts as if it were all: the parts' mean is 0.
 */
function influences({ values, weights }: Series, parts: number): number[] {
  const known = [...values.keys()].filter(
    (i) => !Number.isNaN(values[i]!) && !Number.isNaN(weights?.[i] ?? 1),
  );
  const weightOf = (i: number): number => weights?.[i] ?? 1;
  const sumOf = (rows: readonly number[], of: (i: number) => number): number =>
    rows.reduce((sum, i) => sum + of(i), 0);
  const value = sumOf(known, (i) => values[i]!);
  const quotient = value / sumOf(known, weightOf);
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [part, part + 1].map((end) => Math.floor((end * known.length) / parts));
    const own = known.slice(from, to);
    return (parts * sumOf(own, (i) => values[i]! - quotient * weightOf(i))) / value;
  });
}

/** At a higher confidence a percentile interval is stretched as a t interval would be, by its longer side. */
function widened(interval: Interval, degrees: number, confidence: number): Interval {
  if (confidence === CONFIDENCE) return interval;
  const { value, low, high } = interval;
  const stretch = tQuantile(confidence, degrees) / tQuantile(CONFIDENCE, degrees);
  const half = stretch * Math.max(value - low, high - value);
  return { value, low: value - half, high: value + half };
}

function exponential({ value, low, high }: Interval): Interval {
  return { value: exp(value), low: exp(low), high: exp(high) };
}
