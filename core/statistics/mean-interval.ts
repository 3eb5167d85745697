/** Intervals of a mean: over repeats a t interval, within one run a moving-block bootstrap. */
import type { RandomStream } from "../base/random.ts";
import { drawBlocks, meanEstimate, RESAMPLES } from "./bootstrap.ts";
import { probe } from "./quantiles.ts";
import type { Interval } from "../contract/result.ts";
import { tQuantile } from "./student-t.ts";
import { WeightedSamples } from "./weighted-samples.ts";

export const CONFIDENCE = 0.95;
/** Below three, one odd repeat decides the interval. */
export const REPEATS_FOR_T = 3;
/** From here on a run may claim a difference: with fewer repeats its interval covers no other run. */
export const REPEATS_FOR_CLAIMS = 3;
/** Fewer requests than this give too few blocks for an interval. */
export const REQUESTS_MIN = 20;

/** Mean of the values, and the interval that contains the true mean with `CONFIDENCE`. */
export function tInterval(values: readonly number[]): Interval {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = tQuantile(CONFIDENCE, n - 1) * Math.sqrt(variance / n);
  return { value: mean, low: mean - half, high: mean + half };
}

/** Mean of values in send order with its bootstrap interval; undefined for too few values. */
export function bootstrapMean(
  values: readonly number[],
  random: RandomStream,
): Interval | undefined {
  const n = values.length;
  if (n < REQUESTS_MIN) return undefined;
  const estimate = meanEstimate([{ values }]);
  const drawn = Array.from({ length: RESAMPLES }, () => estimate(drawBlocks([n], random)));
  return percentileInterval(values.reduce((sum, value) => sum + value, 0) / n, drawn);
}

/** The value, with the interval that holds the middle `CONFIDENCE` of the resampled values. */
export function percentileInterval(value: number, resampled: readonly number[]): Interval {
  const tail = (1 - CONFIDENCE) / 2;
  const [low, high] = probe(WeightedSamples.of(resampled), [tail, 1 - tail]);
  return { value, low: low!, high: high! };
}
