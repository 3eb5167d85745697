import { describe, expect, test } from "bun:test";
import { randomStream } from "../../../core/base/random.ts";
import {
  arePooled,
  estimate,
  intervalOf,
  layoutOf,
  partsOf,
} from "../../../core/statistics/repeats-by-parts.ts";

/** As one comparison by itself. */
const alone = (effects: readonly (readonly number[])[]) => {
  const layout = layoutOf(effects);
  return estimate(layout, arePooled([layout]));
};

describe("repeats and their parts", () => {
  test("are a two-way layout: parts count where repeats differ no more than they explain", () => {
    // Means of repeats 2, 3, 4, of parts 2 and 4; the rest −1/2, 1/2 | 0, 0 | 1/2, −1/2 after both.
    const effects = [
      [0.5, 3.5],
      [2, 4],
      [3.5, 4.5],
    ];
    // Between: 2 · (1 + 0 + 1) = 4 over 2 degrees; rest: 4 · (1/4) = 1 over 2. 2 > 1.5 · 0.5.
    expect(alone(effects)).toEqual({
      value: 3,
      standardError: Math.sqrt(4 / 2 / 6),
      degrees: 2,
    });
    // The same repeats with parts that vary more: rest 4 · 1 = 4 over 2, and 2 <= 1.5 · 2.
    const restless = [
      [0, 4],
      [2, 4],
      [4, 4],
    ];
    const { value, standardError, degrees } = alone(restless);
    expect([value, degrees]).toEqual([3, 4]);
    expect(standardError).toBeCloseTo(Math.sqrt((4 + 4) / 4 / 6), 12);
  });

  test("are judged once for comparisons that were run alike", () => {
    const calm = layoutOf([
      [0, 4],
      [2, 4],
      [4, 4],
    ]);
    const unruly = layoutOf([
      [0.5, 3.5],
      [2, 4],
      [3.5, 4.5],
    ]);
    // Variance ratios 1 and 4: geometric mean 2 of both, 4^(1/3) = 1.59 of three, 4^(1/4) = 1.41 of four.
    expect(arePooled([calm])).toBe(true);
    expect(arePooled([unruly])).toBe(false);
    expect(arePooled([calm, calm, unruly])).toBe(false);
    expect(arePooled([calm, calm, calm, unruly])).toBe(true);
    expect(arePooled([])).toBe(false);
    const many = Array.from({ length: 10 }, (_, repeat) => [(7 * repeat) % 5, (3 * repeat) % 4]);
    expect(arePooled([layoutOf(many)])).toBe(false);
    expect(arePooled([layoutOf(many.slice(1))])).toBe(true);
  });

  test("what all repeats share in a part is no noise", () => {
    const profile = [10, 1, 2, 3];
    const effects = [0, 1, 2].map((repeat) => profile.map((part) => part + repeat));
    expect(alone(effects).degrees).toBe(2);
    const flat = alone([0, 1, 2].map((repeat) => profile.map(() => 4 + repeat)));
    expect(alone(effects).standardError).toBeCloseTo(flat.standardError, 12);
  });

  test("one run has only its parts, and repeats without parts only themselves", () => {
    // Mean 2, variance (1 + 0 + 1) / 2 = 1.
    expect(alone([[1, 2, 3]])).toEqual({
      value: 2,
      standardError: Math.sqrt(1 / 3),
      degrees: 2,
    });
    expect(alone([[1], [2], [3]])).toEqual({
      value: 2,
      standardError: Math.sqrt(1 / 3),
      degrees: 2,
    });
  });

  test("no difference at all has an interval without width", () => {
    const none = alone([
      [0, 0],
      [0, 0],
    ]);
    expect(intervalOf(none, 0.95)).toEqual({ value: 0, low: 0, high: 0 });
  });

  test("a run is cut into parts of at least five requests", () => {
    expect([partsOf(1, 50), partsOf(1, 49), partsOf(3, 20), partsOf(3, 19), partsOf(3, 1)]).toEqual(
      [10, 0, 4, 1, 1],
    );
  });
});

describe("the interval", () => {
  test("is Student's: t(2) at 95 % is 4.302653", () => {
    const { low, high } = intervalOf({ value: 1, standardError: 2, degrees: 2 }, 0.95);
    expect(low).toBeCloseTo(1 - 2 * 4.302653, 5);
    expect(high).toBeCloseTo(1 + 2 * 4.302653, 5);
  });

  /** Share of 2,000 experiments whose interval contains the true mean; each part is `trend` above the last. */
  function coverage(repeats: number, parts: number, sdRepeat: number, trend = 1): number {
    const random = randomStream(11, repeats, parts, sdRepeat);
    let covered = 0;
    for (let i = 0; i < 2000; i += 1) {
      const effects = Array.from({ length: repeats }, () => {
        const level = sdRepeat === 0 ? 0 : random.normal(0, sdRepeat);
        return Array.from(
          { length: parts },
          (_, part) => level + trend * part + random.normal(0, 1),
        );
      });
      const { low, high } = intervalOf(alone(effects), 0.95);
      const truth = (trend * (parts - 1)) / 2;
      if (low <= truth && truth <= high) covered += 1;
    }
    return covered / 2000;
  }

  test("covers the truth where parts explain the repeats, and where they do not", () => {
    for (const repeats of [3, 5, 10]) {
      expect(coverage(repeats, 4, 0)).toBeGreaterThan(0.93);
      expect(coverage(repeats, 4, 5)).toBeGreaterThan(0.93);
      // The worst: repeats that vary as much again as their parts explain, half of it unnoticed.
      expect(coverage(repeats, 4, 0.5)).toBeGreaterThan(0.88);
    }
    expect(coverage(1, 10, 0, 0)).toBeGreaterThan(0.93);
  });
});
