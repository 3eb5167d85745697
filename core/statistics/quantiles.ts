/**
 * Exact statistics of samples: no buckets, no sketches, no averages of averages.
 *
 * Quantiles interpolate linearly between the two nearest values (Hyndman and Fan's type 7, the
 * default of numpy, R and spreadsheets). The standard deviation is that of the samples themselves
 * (divided by n, as numpy does), because the samples are all the requests of the cell.
 */
import { orderStatistics } from "./order-statistics.ts";
import type { Quantiles } from "../contract/result.ts";
import { WeightedSamples, type ArithmeticRun } from "./weighted-samples.ts";

const PROBABILITIES = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99] as const;

/** Statistics in units of `divisor` (1e6: nanoseconds in, milliseconds out); undefined without samples. */
export function quantilesOf(samples: WeightedSamples, divisor = 1): Quantiles | undefined {
  if (samples.count === 0) return undefined;
  const { mean, std } = momentsOf(samples);
  const [min, max, p25, p50, p75, p90, p95, p99] = probe(samples, [0, 1, ...PROBABILITIES]);
  const scaled = (value: number | undefined): number => value! / divisor;
  return {
    n: samples.count,
    mean: scaled(mean),
    std: scaled(std),
    min: scaled(min),
    p25: scaled(p25),
    p50: scaled(p50),
    p75: scaled(p75),
    p90: scaled(p90),
    p95: scaled(p95),
    p99: scaled(p99),
    max: scaled(max),
  };
}

/** Quantiles at `probabilities`, in [0, 1] and any order; NaN without samples. */
export function probe(samples: WeightedSamples, probabilities: readonly number[]): number[] {
  if (samples.count === 0) return probabilities.map(() => NaN);
  const places = probabilities.map((p) => (samples.count - 1) * p);
  const ranks = [...new Set(places.flatMap((h) => [Math.floor(h), Math.ceil(h)]))].sort(
    (a, b) => a - b,
  );
  const values = orderStatistics(samples, ranks);
  const valueAtRank = new Map(ranks.map((rank, i) => [rank, values[i]!]));
  return places.map((h) => {
    const below = valueAtRank.get(Math.floor(h))!;
    return between(below, valueAtRank.get(Math.ceil(h))!, h - Math.floor(h));
  });
}

/** Linear interpolation from the nearer end, so that both ends are exact and order is kept. */
export function between(low: number, high: number, part: number): number {
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

/** Mean and standard deviation of the samples; runs are summed in closed form. */
export function momentsOf(samples: WeightedSamples): { mean: number; std: number } {
  if (samples.count === 0) return { mean: NaN, std: NaN };
  let sum = 0;
  for (const value of samples.singles) sum += value;
  samples.eachRun((run) => (sum += run.weight * sumOf(run)));
  const mean = sum / samples.count;
  let squares = 0;
  for (const value of samples.singles) squares += (value - mean) ** 2;
  samples.eachRun((run) => (squares += run.weight * squaresAbout(run, mean)));
  return { mean, std: Math.sqrt(Math.max(0, squares) / samples.count) };
}

/** Σ k, Σ k², Σ k³, Σ k⁴ over k = 0 … n − 1 (Faulhaber). */
function powerSums(n: number): [number, number, number, number] {
  const m = n - 1;
  const first = (m * n) / 2;
  const second = (first * (2 * m + 1)) / 3;
  return [first, second, first * first, (second * (3 * m * m + 3 * m - 1)) / 5];
}

function sumOf(run: ArithmeticRun): number {
  const [first, second] = powerSums(run.steps);
  return run.steps * run.first + run.growth * first + run.growth2 * second;
}

function squaresAbout(run: ArithmeticRun, center: number): number {
  const [first, second, third, fourth] = powerSums(run.steps);
  const offset = run.first - center;
  return (
    run.steps * offset * offset +
    2 * offset * run.growth * first +
    (run.growth * run.growth + 2 * offset * run.growth2) * second +
    2 * run.growth * run.growth2 * third +
    run.growth2 * run.growth2 * fourth
  );
}
