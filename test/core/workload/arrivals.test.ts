import { describe, expect, test } from "bun:test";
import { arrivals } from "../../../core/workload/arrivals.ts";
import type { LoadShape } from "../../../core/contract/plan.ts";
import { randomStream } from "../../../core/base/random.ts";
import type { RequestSpec } from "../../../core/contract/request.ts";

const spec = (index: number, atNs?: number): RequestSpec => ({
  index,
  prompt: [],
  isl: 0,
  osl: 1,
  ...(atNs === undefined ? {} : { atNs }),
});

function times(load: Partial<LoadShape>, count: number, seed = 1): number[] {
  const shape = { arrival: "closed", warmup: 0, timeoutS: 1, ...load } as LoadShape;
  const next = arrivals(shape, randomStream(seed, "arrivals"));
  return Array.from({ length: count }, (_, i) => next(spec(i)));
}

describe("arrivals", () => {
  test("a closed loop has everything due at once", () => {
    expect(times({ arrival: "closed" }, 3)).toEqual([0, 0, 0]);
  });

  test("a constant rate keeps its grid without drift", () => {
    // 3/s: i / 3 seconds, rounded to nanoseconds.
    expect(times({ arrival: "constant", rateRps: 3 }, 4)).toEqual([
      0, 333_333_333, 666_666_667, 1_000_000_000,
    ]);
    expect(times({ arrival: "constant", rateRps: 3 }, 300_001)[300_000]).toBe(100_000_000_000_000);
  });

  test("Poisson gaps are exponential: mean and deviation 1/rate, unclipped", () => {
    const at = times({ arrival: "poisson", rateRps: 200 }, 20_000);
    const gaps = at.map((ns, i) => (ns - (at[i - 1] ?? 0)) / 1e6);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    // Mean 5 ms ± 4 standard errors of 5 / √20,000; deviation / mean 1 ± 4 / √20,000.
    expect(Math.abs(mean - 5)).toBeLessThan(0.15);
    expect(Math.abs(Math.sqrt(variance) / mean - 1)).toBeLessThan(0.03);
    // P(gap < 0.1 ms) = 1 − e^−0.02 = 1.98 %; P(gap > 25 ms) = e^−5 = 0.67 %.
    expect(gaps.filter((gap) => gap < 0.1).length / gaps.length).toBeCloseTo(0.0198, 2);
    expect(gaps.filter((gap) => gap > 25).length / gaps.length).toBeCloseTo(0.0067, 2);
  });

  test("the same stream gives the same timetable", () => {
    const load = { arrival: "poisson", rateRps: 9 } as const;
    expect(times(load, 50)).toEqual(times(load, 50));
    expect(times(load, 50)).not.toEqual(times(load, 50, 2));
  });

  test("a trace counts from its first request, and never before it", () => {
    const next = arrivals({ arrival: "trace", warmup: 0, timeoutS: 1 }, randomStream(0));
    expect([next(spec(0, 5e9)), next(spec(1, 7e9)), next(spec(2, 4e9))]).toEqual([0, 2e9, 0]);
    expect(() => next(spec(3))).toThrow("Cannot send request 3: it has no timestamp");
  });

  test("gamma gaps have mean 1/rate and deviate by the root of 1/burstiness", () => {
    for (const burstiness of [0.25, 1, 4]) {
      const at = times({ arrival: "gamma", rateRps: 100, burstiness }, 40_000);
      const gaps = at.map((ns, i) => (ns - (at[i - 1] ?? 0)) / 1e6);
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
      const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
      // Deviation of a gamma gap with mean 1: 1 / √k. Four standard errors of the mean, 5 % of the cv.
      const cv = 1 / Math.sqrt(burstiness);
      expect(Math.abs(mean / 10 - 1)).toBeLessThan((4 * cv) / 200);
      expect(Math.abs(Math.sqrt(variance) / mean / cv - 1)).toBeLessThan(0.05);
    }
  });

  test("every distribution of gaps follows the rate's profile", () => {
    const steps = [
      { fromS: 0, rateRps: 10 },
      { fromS: 100, rateRps: 40 },
    ];
    for (const arrival of ["constant", "poisson", "gamma"] as const) {
      const load = {
        arrival,
        rateRps: 40,
        burstiness: 2,
        rateProfile: { kind: "steps", steps } as const,
      };
      const at = times(load, 6000);
      const early = at.filter((ns) => ns < 100e9).length;
      const late = at.filter((ns) => ns >= 100e9 && ns < 200e9).length;
      // Poisson counts of 1000 and 4000: four deviations.
      expect(Math.abs(early - 1000)).toBeLessThan(4 * Math.sqrt(1000));
      expect(Math.abs(late - 4000)).toBeLessThan(4 * Math.sqrt(4000));
    }
  });

  test("refuses an invalid rate", () => {
    expect(() => times({ arrival: "poisson" }, 1)).toThrow("no rate");
    expect(() => times({ arrival: "constant", rateRps: 0 }, 1)).toThrow("no rate");
  });
});
