/**
 * Moments are held to five standard errors of the true value, for fixed seeds: the tests are
 * deterministic, and a wrong generator misses by hundreds.
 */
import { describe, expect, test } from "bun:test";
import { deriveSeed, randomStream, type RandomStream } from "../../../core/base/random.ts";

const N = 200_000;
const FIVE_ERRORS = 5 / Math.sqrt(N);

const draws = (draw: () => number, count = N): number[] => Array.from({ length: count }, draw);
const meanOf = (x: readonly number[]): number => x.reduce((sum, v) => sum + v, 0) / x.length;
const momentOf = (x: readonly number[], center: number, power: number): number =>
  meanOf(x.map((v) => (v - center) ** power));
function correlation(x: readonly number[], y: readonly number[]): number {
  const mx = meanOf(x);
  const my = meanOf(y);
  const covariance = meanOf(x.map((v, i) => (v - mx) * (y[i]! - my)));
  return covariance / Math.sqrt(momentOf(x, mx, 2) * momentOf(y, my, 2));
}

describe("a stream", () => {
  test("depends on seed and names alone", () => {
    const first = draws(randomStream(7, "prefix", "osl").next, 100);
    randomStream(7, "other").next();
    expect(draws(randomStream(7, "prefix", "osl").next, 100)).toEqual(first);
  });

  test("gives the same integers on every platform", () => {
    const stream = randomStream(0, "golden");
    expect(draws(stream.uint32, 4)).toEqual([2456042454, 607063660, 3802847344, 3160265929]);
  });

  test("differs for seed 0 and 1, for each name, and for other splits of the same letters", () => {
    const streams = [
      randomStream(0),
      randomStream(1),
      randomStream(0, "a"),
      randomStream(0, "b"),
      randomStream(0, "ab"),
      randomStream(0, "a", "b"),
      randomStream(0, 1),
      randomStream(0, "1"),
      randomStream(0).split("a"),
      randomStream(0, "a").split("b"),
    ];
    expect(new Set(streams.map((stream) => stream.next())).size).toBe(streams.length);
  });

  test("is not correlated with its neighbours by name or seed, nor with itself shifted", () => {
    const base = draws(randomStream(0, "x", 1).next);
    const others: RandomStream[] = [
      randomStream(0, "x", 2),
      randomStream(1, "x", 1),
      randomStream(0, "y", 1),
      randomStream(0, "x", 1).split("child"),
    ];
    for (const other of others) {
      expect(Math.abs(correlation(base, draws(other.next)))).toBeLessThan(FIVE_ERRORS);
    }
    for (const lag of [1, 2, 4]) {
      const shifted = base.slice(lag);
      expect(Math.abs(correlation(base.slice(0, -lag), shifted))).toBeLessThan(FIVE_ERRORS);
    }
  });

  test("has first draws that are themselves uniform over names", () => {
    const firsts = draws(
      (
        (i = 0) =>
        () =>
          randomStream(0, "request", i++).next()
      )(),
      20_000,
    );
    expect(Math.abs(meanOf(firsts) - 0.5)).toBeLessThan(5 / Math.sqrt(12 * 20_000));
    expect(new Set(firsts).size).toBe(20_000);
  });

  test("is not moved by a split, nor moves it", () => {
    const parent = randomStream(3);
    const child = parent.split("child");
    const expected = randomStream(3).split("child");
    expect(parent.next()).toBe(randomStream(3).next());
    expect(child.next()).toBe(expected.next());
  });
});

describe("draws", () => {
  test("uniform: mean 1/2, variance 1/12, within [0, 1)", () => {
    const x = draws(randomStream(1, "uniform").next);
    expect(Math.abs(meanOf(x) - 0.5)).toBeLessThan(FIVE_ERRORS / Math.sqrt(12));
    expect(Math.abs(momentOf(x, 0.5, 2) - 1 / 12)).toBeLessThan(FIVE_ERRORS / Math.sqrt(180));
    expect(x.every((v) => v >= 0 && v < 1)).toBe(true);
  });

  test("int: each value equally often (chi-square, 9 degrees of freedom, p = 1e-6: 44.8)", () => {
    const stream = randomStream(1, "int");
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < N; i += 1) counts[stream.int(10)]! += 1;
    const expected = N / 10;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(44.8);
  });

  test("normal: mean, variance, skewness 0, kurtosis 3", () => {
    const stream = randomStream(1, "normal");
    const x = draws(() => stream.normal(0, 1));
    expect(Math.abs(meanOf(x))).toBeLessThan(FIVE_ERRORS);
    expect(Math.abs(momentOf(x, 0, 2) - 1)).toBeLessThan(FIVE_ERRORS * Math.sqrt(2));
    expect(Math.abs(momentOf(x, 0, 3))).toBeLessThan(FIVE_ERRORS * Math.sqrt(15));
    expect(Math.abs(momentOf(x, 0, 4) - 3)).toBeLessThan(FIVE_ERRORS * Math.sqrt(96));
  });

  test("normal: mean and standard deviation are the requested ones", () => {
    const unit = randomStream(1, "normal");
    const scaled = randomStream(1, "normal");
    expect(scaled.normal(200, 50)).toBe(200 + 50 * unit.normal(0, 1));
  });

  test("exponential gaps make Poisson counts: mean and variance both rate times window", () => {
    const stream = randomStream(1, "arrivals");
    const gaps = draws(() => stream.exponential(0.005));
    expect(Math.abs(meanOf(gaps) / 0.005 - 1)).toBeLessThan(FIVE_ERRORS);
    // Window of 50 ms at 200 a second: 10 expected.
    const counts: number[] = new Array(Math.floor(N / 10 / 1.05)).fill(0);
    let t = 0;
    for (const gap of gaps) {
      t += gap;
      const window = Math.floor(t / 0.05);
      if (window < counts.length) counts[window]! += 1;
    }
    const windows = counts.length;
    expect(Math.abs(meanOf(counts) - 10)).toBeLessThan(5 * Math.sqrt(10 / windows));
    // Variance of a Poisson sample variance: (μ + 2μ²)/n.
    expect(Math.abs(momentOf(counts, 10, 2) - 10)).toBeLessThan(5 * Math.sqrt(210 / windows));
  });

  test("shuffle: all 24 orders of four, equally often (chi-square, 23 df, p = 1e-6: 71)", () => {
    const stream = randomStream(1, "shuffle");
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i += 1) {
      const order = stream.shuffle([0, 1, 2, 3]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(71);
  });
});

test("derived seeds are 32-bit, repeatable and different by name", () => {
  const seeds = Array.from({ length: 100 }, (_, repeat) => deriveSeed(0, "repeat", repeat));
  expect(new Set(seeds).size).toBe(100);
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)).toBe(true);
  expect(deriveSeed(0, "repeat", 3)).toBe(seeds[3]!);
});
