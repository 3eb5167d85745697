import { describe, expect, test } from "bun:test";
import { momentsOf, probe, quantilesOf } from "../../../core/statistics/quantiles.ts";
import { WeightedSamples, type ArithmeticRun } from "../../../core/statistics/weighted-samples.ts";
import { stepsNs } from "../../../core/contract/worker-model.ts";
import { randomStream } from "../../../core/base/random.ts";

const samplesOf = (runs: readonly ArithmeticRun[], singles: readonly number[] = []) => {
  const samples = WeightedSamples.of(singles);
  for (const run of runs) samples.addRun(run);
  return samples;
};

/** Every value of every run written out, as single samples. */
const writtenOut = (runs: readonly ArithmeticRun[], singles: readonly number[] = []) => {
  const samples = WeightedSamples.of(singles);
  for (const { first, growth, growth2, steps, weight } of runs) {
    for (let k = 0; k < steps; k += 1) {
      for (let w = 0; w < weight; w += 1) samples.add(first + k * (growth + k * growth2));
    }
  }
  return samples;
};

const PROBES = [0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1];

describe("quantiles of single values", () => {
  test("interpolate as numpy.percentile does", () => {
    // Of 1…10 by hand: place h = 9p, value 1 + h: p25 at 2.25, p90 at 8.1, p99 at 8.91.
    const statistics = quantilesOf(WeightedSamples.of([10, 1, 9, 2, 8, 3, 7, 4, 6, 5]))!;
    expect(statistics).toEqual({
      n: 10,
      mean: 5.5,
      std: Math.sqrt(8.25), // Σ (x − 5.5)² = 82.5, over 10
      min: 1,
      p25: 3.25,
      p50: 5.5,
      p75: 7.75,
      p90: 9.1,
      p95: 9.549999999999999, // 9 · 0.95 is just below 8.55 in doubles, for numpy too
      p99: 9.91,
      max: 10,
    });
  });

  test("scale by a divisor without leaving a rounding error", () => {
    const statistics = quantilesOf(WeightedSamples.of([12_500_000, 12_500_000]), 1e6)!;
    expect([statistics.mean, statistics.p50, statistics.std]).toEqual([12.5, 12.5, 0]);
  });

  test("one sample is every quantile, and no sample gives none", () => {
    expect(quantilesOf(WeightedSamples.of([3]))).toMatchObject({ n: 1, std: 0, min: 3, p99: 3 });
    expect(quantilesOf(WeightedSamples.of([]))).toBeUndefined();
    expect(quantilesOf(WeightedSamples.of([NaN]))).toBeUndefined();
    expect(probe(new WeightedSamples(), [0.5])).toEqual([NaN]);
  });
});

describe("quantiles of runs", () => {
  test("count each value with its weight", () => {
    // Values 10, 12, 14 three times each and 11 once: 10 10 10 11 12 12 12 14 14 14.
    const samples = samplesOf([{ first: 10, growth: 2, growth2: 0, steps: 3, weight: 3 }], [11]);
    expect(probe(samples, [0, 0.25, 0.5, 0.75, 1])).toEqual([10, 10.25, 12, 13.5, 14]);
    expect(momentsOf(samples).mean).toBe(11.9);
    // Σ (x − 11.9)² = 3·3.61 + .81 + 3·.01 + 3·4.41 = 24.9
    expect(momentsOf(samples).std).toBeCloseTo(Math.sqrt(2.49), 14);
  });

  test("equal the quantiles of the same values written out, also where a run turns", () => {
    const random = randomStream(1, "runs");
    for (let round = 0; round < 200; round += 1) {
      // Integers, so that both sides see exactly the same numbers.
      const runs = Array.from({ length: 1 + random.int(30) }, () => ({
        first: random.int(2000),
        growth: random.int(40) - 20,
        growth2: random.int(5) - 2,
        steps: 1 + random.int(random.int(2) === 0 ? 3 : 900),
        weight: 1 + random.int(4),
      }));
      const singles = Array.from({ length: random.int(20) }, () => random.int(2000));
      const compact = samplesOf(runs, singles);
      const plain = writtenOut(runs, singles);
      expect(compact.count).toBe(plain.count);
      expect(probe(compact, PROBES)).toEqual(probe(plain, PROBES));
      const ours = momentsOf(compact);
      const theirs = momentsOf(plain);
      expect(Math.abs(ours.mean - theirs.mean)).toBeLessThan(1e-9 * (1 + Math.abs(theirs.mean)));
      expect(Math.abs(ours.std - theirs.std)).toBeLessThan(1e-9 * (1 + theirs.std));
    }
  });

  test("handle a run of a billion equal steps and one of a billion rising steps", () => {
    const steps = 1_000_000_001;
    const equal = samplesOf([{ first: 7, growth: 0, growth2: 0, steps, weight: 2 }]);
    expect(quantilesOf(equal)).toMatchObject({ n: 2 * steps, mean: 7, std: 0, p50: 7, p99: 7 });
    const rising = samplesOf([{ first: 5, growth: 1, growth2: 0, steps, weight: 1 }]);
    expect(probe(rising, [0, 0.25, 0.5, 1])).toEqual([5, 250_000_005, 500_000_005, 1_000_000_005]);
    // Variance of 0 … n − 1 is (n² − 1)/12.
    expect(momentsOf(rising).std / Math.sqrt((steps * steps - 1) / 12)).toBeCloseTo(1, 12);
  });

  test("skip empty runs", () => {
    const samples = samplesOf([
      { first: 1, growth: 0, growth2: 0, steps: 0, weight: 3 },
      { first: 1, growth: 0, growth2: 0, steps: 3, weight: 0 },
    ]);
    expect(samples.count).toBe(0);
  });
});

describe("a worker's span", () => {
  test("split into pieces gives the gaps of the whole span", () => {
    const span = { spanStartNs: 0, firstNs: 20_000, growthNs: 30, growth2Ns: 2 };
    const whole = new WeightedSamples();
    whole.addDecodeRun({ ...span, fromStep: 0, steps: 10 }, 4);
    const pieces = new WeightedSamples();
    pieces.addDecodeRun({ ...span, fromStep: 0, steps: 3 }, 4);
    pieces.addDecodeRun({ ...span, fromStep: 3, steps: 7 }, 4);
    // The gaps as the model's own timetable has them.
    const gaps = Array.from({ length: 10 }, (_, k) => stepsNs(span, k + 1) - stepsNs(span, k));
    const plain = WeightedSamples.of(gaps.flatMap((gap) => [gap, gap, gap, gap]));
    expect(probe(whole, PROBES)).toEqual(probe(plain, PROBES));
    expect(probe(pieces, PROBES)).toEqual(probe(plain, PROBES));
    expect(momentsOf(pieces).mean).toBe(momentsOf(plain).mean);
  });

  test("merging adds samples of both kinds", () => {
    const a = samplesOf([{ first: 1, growth: 1, growth2: 0, steps: 3, weight: 1 }], [10]);
    const b = samplesOf([{ first: 4, growth: 0, growth2: 0, steps: 1, weight: 2 }], [20]);
    a.merge(b);
    // 1 2 3 4 4 10 20
    expect([a.count, ...probe(a, [0, 0.5, 1])]).toEqual([7, 1, 4, 20]);
  });
});
