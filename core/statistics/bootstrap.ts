/**
 * Moving-block bootstrap of two arms that served the same requests (Künsch, "The jackknife and the
 * bootstrap for general stationary observations", 1989).
 *
 * Requests that are close in time share queues and caches, so single requests must not be drawn as
 * if they were independent: blocks of neighbours in send order are drawn instead, the same blocks
 * for both arms. A block has ⌈n^(1/3)⌉ requests, the optimal growth of its length for estimating a
 * variance (Hall, Horowitz and Jing, 1995). The result holds for this run only: another run has other
 * requests and other disturbances.
 */
import { between } from "./quantiles.ts";
import type { RandomStream } from "../base/random.ts";

/** Enough to place the ends of a 95 % interval to about half a percent of probability. */
export const RESAMPLES = 2000;

/** One arm's values of the requests of one repeat, in send order; NaN where unknown. */
export interface Series {
  /** What is summed, and what the sum is divided by; without weights, the number of values. */
  readonly values: readonly number[];
  readonly weights?: readonly number[];
}

/** A statistic of a resample of the series of all repeats of one arm. */
export type Statistic = (draws: readonly Draw[]) => number;

/** First requests of the drawn blocks of one repeat, and their length; the last block is cut at `n`. */
export interface Draw {
  /** Which repeat's requests are drawn. */
  readonly repeat: number;
  readonly starts: Int32Array;
  readonly block: number;
  readonly n: number;
}

export function blockLength(n: number): number {
  // The loop is exact where a cube root would round.
  let length = 1;
  while (length ** 3 < n) length += 1;
  return length;
}

/** Draws of blocks for repeats of `sizes` requests, each repeat once. */
export function drawBlocks(sizes: readonly number[], random: RandomStream): Draw[] {
  return sizes.map((n, repeat) => drawFrom(repeat, n, random));
}

/**
 * Draws of as many repeats as there are, with replacement, and of blocks in each: what differs from
 * repeat to repeat is resampled as well as what differs within one (Davison and Hinkley, "Bootstrap
 * methods and their application", section 3.8).
 */
export function drawRepeats(sizes: readonly number[], random: RandomStream): Draw[] {
  return sizes.map(() => {
    const repeat = random.int(sizes.length);
    return drawFrom(repeat, sizes[repeat]!, random);
  });
}

function drawFrom(repeat: number, n: number, random: RandomStream): Draw {
  const block = blockLength(n);
  const starts = new Int32Array(Math.ceil(n / block));
  for (let i = 0; i < starts.length; i += 1) starts[i] = random.int(n - block + 1);
  return { repeat, starts, block, n };
}

/** The draw that returns the original requests: for the estimate itself. */
export function wholeDraw(sizes: readonly number[]): Draw[] {
  return sizes.map((n, repeat) => ({ repeat, starts: Int32Array.of(0), block: n, n }));
}

/** Σ values / Σ weights over the drawn requests where both are known, from prefix sums. */
export function meanEstimate(repeats: readonly Series[]): Statistic {
  const sums = repeats.map(prefixSums);
  return (draws) => {
    let value = 0;
    let weight = 0;
    for (const draw of draws) {
      const { values, weights } = sums[draw.repeat]!;
      eachBlock(draw, (from, to) => {
        value += values[to]! - values[from]!;
        weight += weights[to]! - weights[from]!;
      });
    }
    return value / weight;
  };
}

/** How often a quantile is resampled: less often of many requests, or it would take seconds an arm. */
export function quantileResamples(requests: number): number {
  return Math.round(Math.min(RESAMPLES, Math.max(400, 4e6 / requests)));
}

/** The quantile at `probability` of the drawn requests whose value is known (type 7). */
export function quantileEstimate(repeats: readonly Series[], probability: number): Statistic {
  const values = repeats.flatMap((series) => [...series.values]);
  const order = [...values.keys()].filter((i) => !Number.isNaN(values[i]!));
  order.sort((a, b) => values[a]! - values[b]!);
  const sorted = Float64Array.from(order, (i) => values[i]!);
  // Place of each request in the sorted column; unknown ones share the slot behind its end.
  const places = new Int32Array(values.length).fill(sorted.length);
  order.forEach((i, place) => (places[i] = place));
  const times = new Uint32Array(sorted.length + 1);
  let before = 0;
  const offsets = repeats.map((series) => (before += series.values.length) - series.values.length);
  return (draws) => {
    times.fill(0);
    let drawn = 0;
    for (const draw of draws) {
      const start = offsets[draw.repeat]!;
      eachBlock(draw, (from, to) => {
        for (let i = start + from; i < start + to; i += 1) times[places[i]!]! += 1;
      });
      drawn += draw.n;
    }
    return quantileOfCounts({ sorted, times, total: drawn - times[sorted.length]! }, probability);
  };
}

/** Of `total` values, where `sorted[i]` occurs `times[i]` times. */
function quantileOfCounts(
  sample: { sorted: Float64Array; times: Uint32Array; total: number },
  probability: number,
): number {
  const { sorted, times, total } = sample;
  const rank = (total - 1) * probability;
  const below = Math.floor(rank);
  let passed = 0;
  let low: number | undefined;
  for (let i = 0; i < sorted.length; i += 1) {
    passed += times[i]!;
    if (low === undefined && passed > below) low = sorted[i]!;
    if (low !== undefined && passed > Math.ceil(rank))
      return between(low, sorted[i]!, rank - below);
  }
  return NaN;
}

/** The drawn stretches [from, to), n requests in all. */
function eachBlock(draw: Draw, tell: (from: number, to: number) => void): void {
  let left = draw.n;
  for (const from of draw.starts) {
    const length = Math.min(draw.block, left);
    tell(from, from + length);
    left -= length;
  }
}

function prefixSums(series: Series): { values: Float64Array; weights: Float64Array } {
  const n = series.values.length;
  const values = new Float64Array(n + 1);
  const weights = new Float64Array(n + 1);
  for (let i = 0; i < n; i += 1) {
    const value = series.values[i]!;
    const weight = series.weights === undefined ? 1 : series.weights[i]!;
    const known = !Number.isNaN(value) && !Number.isNaN(weight);
    values[i + 1] = values[i]! + (known ? value : 0);
    weights[i + 1] = weights[i]! + (known ? weight : 0);
  }
  return { values, weights };
}
