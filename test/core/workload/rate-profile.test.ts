import { describe, expect, test } from "bun:test";
import { timeOfCount } from "../../../core/workload/rate-profile.ts";

describe("the time at which a number of requests is due", () => {
  test("under a constant rate is the number divided by the rate", () => {
    expect(timeOfCount(4, undefined)(10)).toBe(2.5);
  });

  test("on a ramp grows with the root, then evenly", () => {
    // To 10/s over 20 s: 100 requests on the ramp, a quarter of them in its first half.
    const time = timeOfCount(10, { kind: "ramp", overS: 20 });
    expect([0, 25, 100, 110].map(time)).toEqual([0, 10, 20, 21]);
  });

  test("in steps holds each rate until the next; a step of 0 sends nothing", () => {
    const steps = [
      { fromS: 0, rateRps: 5 },
      { fromS: 10, rateRps: 0 },
      { fromS: 20, rateRps: 50 },
    ];
    const time = timeOfCount(1, { kind: "steps", steps });
    expect([0, 25, 49, 51, 100].map(time)).toEqual([0, 5, 9.8, 20.02, 21]);
    const late = timeOfCount(1, {
      kind: "steps",
      steps: [{ fromS: 0, rateRps: 0 }, ...steps.slice(2)],
    });
    expect([0, 50].map(late)).toEqual([20, 21]);
  });

  test("on a sine begins slowest, and has sent the mean after each period", () => {
    const time = timeOfCount(1, { kind: "sine", minRps: 5, maxRps: 10, periodS: 10 });
    // 7.5 a second on average; the first half sends swing · period / π = 2.5 · 10 / π less than that.
    expect(time(75)).toBeCloseTo(10, 9);
    expect(time(150)).toBeCloseTo(20, 9);
    expect(time(37.5)).toBeCloseTo(5, 9);
    // A quarter period: 7.5 · 2.5 − 2.5 · 10 / 2π = 14.7711; rate 7.5 there.
    expect(time(18.75 - 25 / (2 * Math.PI))).toBeCloseTo(2.5, 9);
  });

  test("never goes back", () => {
    for (const profile of [
      { kind: "ramp", overS: 3 },
      { kind: "sine", minRps: 0, maxRps: 10, periodS: 3 },
    ] as const) {
      const times = Array.from({ length: 500 }, (_, i) => timeOfCount(7, profile)(i / 7));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }
  });
});
