/** Thinning: ends kept, order statistics exact, step functions averaged over time. */
import { expect, test } from "bun:test";
import {
  binSteps,
  cumulativeShares,
  thinDistribution,
  thinIndexes,
} from "../../../reports/data/thin.ts";

test("thinned indexes are evenly spread and keep both ends", () => {
  expect(thinIndexes(3, 5)).toEqual([0, 1, 2]);
  expect(thinIndexes(11, 6)).toEqual([0, 2, 4, 6, 8, 10]);
  // 0, 99/3 = 33, 66, 99.
  expect(thinIndexes(100, 4)).toEqual([0, 33, 66, 99]);
  expect(thinIndexes(0, 4)).toEqual([]);
  expect(thinIndexes(9, 1)).toEqual([0]);
  expect(thinIndexes(9, 0)).toEqual([]);
});

test("a distribution is sorted, without unknown values, and its shares are ranks over n", () => {
  const whole = thinDistribution([30, NaN, 10, 20, 40], 10);
  expect(whole).toEqual({ n: 4, values: [10, 20, 30, 40] });
  expect(cumulativeShares(whole)).toEqual([0.25, 0.5, 0.75, 1]);
  // Of 1..100 the ranks 0, 33, 66, 99: shares (rank + 1) / 100 equal the values / 100.
  const thinned = thinDistribution(
    Array.from({ length: 100 }, (_, i) => 100 - i),
    4,
  );
  expect(thinned).toEqual({ n: 100, values: [1, 34, 67, 100] });
  expect(cumulativeShares(thinned)).toEqual([0.01, 0.34, 0.67, 1]);
  expect(cumulativeShares({ n: 0, values: [] })).toEqual([]);
});

test("drawn values keep five significant digits", () => {
  expect(thinDistribution([1234.5678, 0.00012345678], 5).values).toEqual([0.00012346, 1234.6]);
});

test("steps become time-weighted means of equal bins", () => {
  // 2 from 0 to 1.5 s, 4 to 3 s, 0 to 4 s; bins of 2 s: (2 * 1.5 + 4 * .5) / 2 = 2.5, (4 * 1 + 0) / 2 = 2.
  expect(binSteps([0, 1.5, 3], [2, 4, 0], { endS: 4, bins: 2 })).toEqual([2.5, 2]);
  // Before its first stamp a worker has none: 1 for the second half of the first bin.
  expect(binSteps([1], [1], { endS: 4, bins: 2 })).toEqual([0.5, 1]);
  expect(binSteps([], [], { endS: 0, bins: 3 })).toEqual([0, 0, 0]);
  // More bins than timestamps: each has the value at its time.
  expect(binSteps([0, 2], [3, 1], { endS: 4, bins: 4 })).toEqual([3, 3, 1, 1]);
});
