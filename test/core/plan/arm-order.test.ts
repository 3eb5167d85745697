import { describe, expect, test } from "bun:test";
import { balancedTurns, orderPairs, type Turn } from "../../../core/plan/arm-order.ts";

const upTo = (n: number): number[] => [...Array(n).keys()];
const named = (turns: readonly Turn[]): string[] =>
  turns.map(({ point, repeat, arms }) => `${repeat}${point}${arms.map((a) => "ABCD"[a]).join("")}`);
/** For each arm, how often it is first and last. */
const ends = (turns: readonly Turn[], n: number): { first: number; last: number }[] =>
  upTo(n).map((arm) => ({
    first: turns.filter(({ arms }) => arms[0] === arm).length,
    last: turns.filter(({ arms }) => arms.at(-1) === arm).length,
  }));
const times = (values: readonly string[]): number[] => [
  ...new Set([...Map.groupBy(values, (value) => value).values()].map(({ length }) => length)),
];

describe("the orders of a whole design", () => {
  for (const n of upTo(9).slice(2)) {
    test(`${n} arms: each in each place, and behind each other arm, equally often`, () => {
      const orders = orderPairs(n).flat();
      expect(orders).toHaveLength(n % 2 === 0 ? n : 2 * n);
      for (const order of orders) expect(new Set(order)).toEqual(new Set(upTo(n)));
      const places = orders.flatMap((order) => order.map((arm, place) => `${arm} at ${place}`));
      const pairs = orders.flatMap((order) => order.slice(1).map((arm, i) => `${order[i]} ${arm}`));
      expect(times(places)).toEqual([n % 2 === 0 ? 1 : 2]);
      expect(times(pairs)).toEqual([n % 2 === 0 ? 1 : 2]);
      expect(new Set(pairs).size).toBe(n * (n - 1));
    });
  }
});

describe("turns", () => {
  test("two arms and three repeats alternate", () => {
    expect(named(balancedTurns([0, 1], 1, 3))).toEqual(["00AB", "10BA", "20AB"]);
  });

  test("points beside each other begin with opposite orders, and so do the repeats of a point", () => {
    expect(named(balancedTurns([0, 1], 2, 3))).toEqual([
      ...["00AB", "01BA"],
      ...["11AB", "10BA"],
      ...["20AB", "21BA"],
    ]);
  });

  test("each turn of two arms begins with the arm that the one before ended with", () => {
    for (const points of [1, 2, 3, 4]) {
      const turns = balancedTurns([0, 1], points, 5);
      for (const [i, { arms }] of turns.slice(1).entries()) {
        expect(arms[0]).toBe(turns[i]!.arms[1]);
      }
    }
  });

  test("arms keep their numbers within a group that is not the first", () => {
    expect(named(balancedTurns([1, 2], 1, 2))).toEqual(["00BC", "10CB"]);
  });

  test("the first turn has the arms as they were typed", () => {
    for (const n of upTo(9).slice(1))
      expect(balancedTurns(upTo(n), 1, 1)[0]!.arms).toEqual(upTo(n));
  });

  test("one arm has its turn at each point of each repeat", () => {
    expect(named(balancedTurns([0], 2, 2))).toEqual(["00A", "01A", "11A", "10A"]);
  });

  for (const n of upTo(9).slice(2)) {
    test(`${n} arms are as often first as last, over a run and at each of its points`, () => {
      for (const repeats of upTo(11).slice(1)) {
        for (const points of [1, 2, 3, 5]) {
          const turns = balancedTurns(upTo(n), points, repeats);
          expect(turns).toHaveLength(points * repeats);
          const isEven = (points * repeats) % 2 === 0;
          for (const { first, last } of ends(turns, n)) {
            expect(Math.abs(first - last)).toBeLessThanOrEqual(isEven ? 0 : 1);
          }
          for (const point of upTo(points)) {
            const own = turns.filter((turn) => turn.point === point);
            for (const { first, last } of ends(own, n)) {
              expect(Math.abs(first - last)).toBeLessThanOrEqual(repeats % 2);
            }
          }
        }
      }
    });

    test(`${n} arms have the same mean place after each two repeats, so a steady drift favours none`, () => {
      const turns = balancedTurns(upTo(n), 1, 6);
      for (const arm of upTo(n)) {
        const places = turns.map(({ arms }) => arms.indexOf(arm));
        expect(places.reduce((a, b) => a + b)).toBe((6 * (n - 1)) / 2);
      }
    });
  }
});
