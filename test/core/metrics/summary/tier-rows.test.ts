import { expect, test } from "bun:test";
import type { CellSummary, TierSummary } from "../../../../core/contract/result.ts";
import { meanFairness, tierRows } from "../../../../core/metrics/summary/tier-rows.ts";

const repeat = (mean: number, more: Partial<TierSummary> = {}): CellSummary =>
  ({
    tiers: [
      {
        name: "high",
        priority: 2,
        requests: { sent: 5, ok: 3, failed: 1, dropped: 1 },
        ttftMs: { mean, p99: 2 * mean },
        ...more,
      },
    ],
    fairness: { ttft: { jain: mean / 64, maxOverMin: mean }, service: { jain: 1, maxOverMin: 1 } },
  }) as unknown as CellSummary;

test("the mean of a single run has that run's interval", () => {
  const own = { value: 10, low: 8, high: 12 };
  const [row] = tierRows([repeat(10, { ttftMeanMs: own, sloShare: 0.5 })]);
  expect(row).toEqual({
    ...{ name: "high", priority: 2, requests: { ok: 3, failed: 2 } },
    ...{ ttftMs: own, ttftP99Ms: 20, sloShare: 0.5 },
  });
});

test("two repeats have a mean and no interval, three a t interval of their means", () => {
  const own = { value: 10, low: 8, high: 12 };
  expect(tierRows([10, 20].map((mean) => repeat(mean, { ttftMeanMs: own })))[0]!.ttftMs).toEqual({
    value: 15,
  });
  // 10, 20, 30: mean 20, deviation 10, t(2) = 4.302653: 20 ± 4.302653 · 10 / √3.
  const { value, low, high } = tierRows([10, 20, 30].map((mean) => repeat(mean)))[0]!.ttftMs!;
  expect(value).toBe(20);
  expect(low).toBeCloseTo(20 - 24.841, 3);
  expect(high).toBeCloseTo(20 + 24.841, 3);
});

test("fairness is the mean over the repeats; a load without tiers has no rows and no fairness", () => {
  expect(meanFairness([repeat(10), repeat(20)])).toEqual({ maxOverMin: 15, jain: 15 / 64 });
  expect(meanFairness([{} as CellSummary])).toBeUndefined();
  expect(tierRows([{} as CellSummary])).toEqual([]);
});
