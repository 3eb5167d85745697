import { describe, expect, test } from "bun:test";
import { bootstrapMean, tInterval } from "../../../core/statistics/mean-interval.ts";
import { randomStream } from "../../../core/base/random.ts";

test("t: three values, two degrees of freedom", () => {
  // Deviation 1, t = 4.302653: 2 ± 4.302653 / √3.
  const { value, low, high } = tInterval([1, 2, 3]);
  expect(value).toBe(2);
  expect(high - 2).toBeCloseTo(2.484138, 5);
  expect(2 - low).toBeCloseTo(2.484138, 5);
});

describe("a bootstrap of one run", () => {
  const draws = (seed: number, n: number): number[] => {
    const random = randomStream(seed, "values");
    return Array.from({ length: n }, () => random.exponential(100));
  };

  test("holds the true mean of independent values in about 95 of 100 runs", () => {
    const hits = Array.from({ length: 100 }, (_, seed) => {
      const { low, high } = bootstrapMean(draws(seed, 300), randomStream(seed, "boot"))!;
      return low <= 100 && 100 <= high;
    }).filter(Boolean).length;
    expect(hits).toBeGreaterThanOrEqual(87);
  });

  test("is the same for the same seed, contains the mean, and is undefined for a few values", () => {
    const values = draws(1, 50);
    const interval = bootstrapMean(values, randomStream(7, "boot"))!;
    expect(bootstrapMean(values, randomStream(7, "boot"))).toEqual(interval);
    expect(interval.value).toBeCloseTo(values.reduce((a, b) => a + b) / 50, 9);
    expect(interval.low).toBeLessThan(interval.value);
    expect(interval.high).toBeGreaterThan(interval.value);
    expect(bootstrapMean(values.slice(0, 19), randomStream(7, "boot"))).toBeUndefined();
  });
});
