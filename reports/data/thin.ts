/**
 * Keeps the page small: caps the number of points of a chart without changing how it looks.
 *
 * Order statistics stay exact (a thinned distribution keeps some of the sorted values, smallest and
 * largest among them), scatter points are taken at even strides in send order, and time series
 * become time-weighted means of equal bins.
 */

/** Indexes of `cap` items spread evenly over `count`, the first and the last among them. */
export function thinIndexes(count: number, cap: number): number[] {
  if (count <= cap) return Array.from({ length: count }, (_, i) => i);
  if (cap < 2) return count > 0 && cap > 0 ? [0] : [];
  return Array.from({ length: cap }, (_, i) => Math.round((i * (count - 1)) / (cap - 1)));
}

/** Sorted values of a distribution with their cumulative shares, (rank + 1) / n. */
export interface Distribution {
  /** How many values there were. */
  n: number;
  values: number[];
}

/** The finite ones of `values`, sorted and thinned to at most `cap`. */
export function thinDistribution(values: readonly number[], cap: number): Distribution {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const kept = thinIndexes(sorted.length, cap).map((i) => roundTo5(sorted[i]!));
  return { n: sorted.length, values: kept };
}

/** Cumulative share of each kept value, computed from its place as `thinDistribution` chose it. */
export function cumulativeShares(distribution: Distribution): number[] {
  const { n, values } = distribution;
  return thinIndexes(n, values.length).map((index) => (index + 1) / n);
}

/**
 * Time-weighted mean of a step function in `bins` equal bins from 0 to `endS`.
 * `count[i]` holds from `timeS[i]` to the next stamp; before the first stamp it is 0.
 */
export function binSteps(
  timeS: readonly number[],
  count: readonly number[],
  shape: { endS: number; bins: number },
): number[] {
  const sums = new Array<number>(shape.bins).fill(0);
  const width = shape.endS / shape.bins;
  if (!(width > 0)) return sums;
  for (let i = 0; i < timeS.length; i += 1) {
    const from = Math.max(0, timeS[i]!);
    const to = Math.min(shape.endS, timeS[i + 1] ?? shape.endS);
    const last = Math.min(shape.bins - 1, Math.floor(to / width));
    for (let bin = Math.floor(from / width); bin <= last; bin += 1) {
      const overlap = Math.min(to, (bin + 1) * width) - Math.max(from, bin * width);
      if (overlap > 0) sums[bin]! += overlap * count[i]!;
    }
  }
  return sums.map((sum) => Math.round((sum / width) * 10) / 10);
}

/** Five significant digits: finer than any screen, at half the bytes. */
export function roundTo5(value: number): number {
  return Number(value.toPrecision(5));
}
