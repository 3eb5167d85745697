import { expect, test } from "bun:test";
import { NO_DELAYS } from "../../../core/plan/sim-options.ts";
import { Network } from "../../../core/simulate/simulation.ts";

const times = (networkMs: number, networkJitterMs: number, seed = 1): number[] => {
  const network = new Network({ ...NO_DELAYS, networkMs, networkJitterMs }, seed);
  return Array.from({ length: 10_000 }, () => network.next());
};

test("without jitter every request takes the same time", () => {
  expect(new Set(times(0.5, 0))).toEqual(new Set([500_000]));
});

test("jitter comes on top, exponential with its mean, the same for the same seed", () => {
  const drawn = times(0.5, 2);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(500_000);
  const mean = drawn.reduce((sum, ns) => sum + ns, 0) / drawn.length;
  // 2.5 ms; four standard errors of 2 / 100.
  expect(Math.abs(mean / 1e6 - 2.5)).toBeLessThan(0.08);
  expect(times(0.5, 2)).toEqual(drawn);
  expect(times(0.5, 2, 7)).not.toEqual(drawn);
});
