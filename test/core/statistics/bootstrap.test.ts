import { describe, expect, test } from "bun:test";
import {
  blockLength,
  drawBlocks,
  drawRepeats,
  meanEstimate,
  quantileEstimate,
  wholeDraw,
} from "../../../core/statistics/bootstrap.ts";
import { probe } from "../../../core/statistics/quantiles.ts";
import { WeightedSamples } from "../../../core/statistics/weighted-samples.ts";
import { randomStream } from "../../../core/base/random.ts";

describe("blocks", () => {
  test("have the length of the cube root of n, rounded up", () => {
    expect([1, 8, 9, 27, 200, 1000, 1001].map(blockLength)).toEqual([1, 2, 3, 3, 6, 10, 11]);
  });

  test("start where a whole block fits, and cover n requests of each repeat", () => {
    const [first, second] = drawBlocks([200, 10], randomStream(1));
    expect([first!.block, first!.starts.length, second!.block, second!.starts.length]).toEqual([
      6, 34, 3, 4,
    ]);
    const starts = Array.from(
      { length: 200 },
      (_, i) => drawBlocks([10], randomStream(i))[0]!.starts,
    );
    const seen = new Set(starts.flatMap((column) => [...column]));
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

test("repeats are drawn with replacement, each with blocks of its own requests", () => {
  const random = randomStream(5);
  const drawn = Array.from({ length: 200 }, () => drawRepeats([200, 10, 200], random));
  for (const draws of drawn) {
    expect(draws).toHaveLength(3);
    for (const { repeat, n, block } of draws) {
      expect([n, block]).toEqual(repeat === 1 ? [10, 3] : [200, 6]);
    }
  }
  const patterns = new Set(drawn.map((draws) => draws.map(({ repeat }) => repeat).join("")));
  expect(patterns.size).toBe(27);
});

describe("estimates", () => {
  const series = [{ values: [1, 2, NaN, 4, 5] }, { values: [10, 20, 30] }];

  test("of the whole draw equal those of the known samples", () => {
    expect(meanEstimate(series)(wholeDraw([5, 3]))).toBe(72 / 7);
    // 1 2 4 5 10 20 30
    expect(quantileEstimate(series, 0.5)(wholeDraw([5, 3]))).toBe(5);
    expect(quantileEstimate(series, 0.25)(wholeDraw([5, 3]))).toBe(3);
  });

  test("of drawn blocks count a request as often as it was drawn, and cut the last block", () => {
    // Blocks of 2 from 3, 0 and 3, five in all: 4 5 | 1 2 | 4. And 10 20 | 20.
    const draws = [
      { repeat: 0, starts: Int32Array.of(3, 0, 3), block: 2, n: 5 },
      { repeat: 1, starts: Int32Array.of(0, 1), block: 2, n: 3 },
    ];
    expect(meanEstimate(series)(draws)).toBe(66 / 8);
    // 1 2 4 4 5 10 20 20: median halfway from 4 to 5.
    expect(quantileEstimate(series, 0.5)(draws)).toBe(4.5);
  });

  test("weighted sums divide by the weights of known values alone", () => {
    const shares = [{ values: [40, NaN, 20], weights: [100, 100, 100] }];
    expect(meanEstimate(shares)(wholeDraw([3]))).toBe(0.3);
  });

  test("drawn quantiles are those of the drawn list written out", () => {
    const random = randomStream(3);
    const values = Array.from({ length: 50 }, () => random.int(40));
    for (let round = 0; round < 50; round += 1) {
      const draws = drawBlocks([50], random);
      const list = [...draws[0]!.starts].flatMap((at) => values.slice(at, at + draws[0]!.block));
      const [expected] = probe(WeightedSamples.of(list.slice(0, 50)), [0.9]);
      expect(quantileEstimate([{ values }], 0.9)(draws)).toBe(expected!);
    }
  });
});

test("intervals of correlated requests cover the true ratio about as often as stated", () => {
  // Two arms of log-normal times with AR(1) noise of .5; true ratio 1. Drawing single requests
  // would cover .75 of the time.
  const RUNS = 200;
  let covered = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const random = randomStream(run, "coverage");
    const series = (): number[] => {
      let noise = random.normal(0, 1);
      return Array.from({ length: 200 }, () => {
        noise = 0.5 * noise + Math.sqrt(0.75) * random.normal(0, 1);
        return 100 * 2 ** (noise / 2);
      });
    };
    const a = meanEstimate([{ values: series() }]);
    const b = meanEstimate([{ values: series() }]);
    const ratios = Array.from({ length: 400 }, () => {
      const draws = drawBlocks([200], random);
      return b(draws) / a(draws);
    });
    const [low, high] = probe(WeightedSamples.of(ratios), [0.025, 0.975]);
    if (low! <= 1 && high! >= 1) covered += 1;
  }
  expect(covered / RUNS).toBeGreaterThan(0.87);
  expect(covered / RUNS).toBeLessThan(0.98);
});
