import { expect, test } from "bun:test";
import { randomStream } from "../../../core/base/random.ts";
import { chooseLeast, chooseSoftly } from "../../../core/routing/choose.ts";

const DRAWS = 20_000;

/** Share of the draws that each candidate got. */
function shares(candidates: number, draw: () => number): number[] {
  const counts = new Array<number>(candidates).fill(0);
  for (let i = 0; i < DRAWS; i += 1) counts[draw()]! += 1;
  return counts.map((count) => count / DRAWS);
}

test("the least of the eligible wins, even if others have less", () => {
  const random = randomStream(0);
  expect(chooseLeast({ eligible: [1, 2], random }, [0, 5, 4])).toBe(2);
});

test("ties are broken evenly", () => {
  const view = { eligible: [0, 1, 2, 3], random: randomStream(1) };
  const got = shares(4, () => chooseLeast(view, [3, 3, 9, 3]));
  // Standard deviation of a share of 1/3 in 20,000 draws: .0033; the tolerance is three of them.
  for (const i of [0, 1, 3]) expect(Math.abs(got[i]! - 1 / 3)).toBeLessThan(0.01);
  expect(got[2]).toBe(0);
});

test("a temperature draws in proportion to exp(−normalised cost / temperature)", () => {
  // Costs 10, 15, 20 have normalised costs 0, .5, 1. At temperature .5: 1, e^-1, e^-2, sum 1.50321.
  const view = { eligible: [0, 1, 2], random: randomStream(2) };
  const got = shares(3, () => chooseSoftly(view, [10, 15, 20], 0.5));
  const expected = [0.66524, 0.24473, 0.09003];
  for (let i = 0; i < 3; i += 1) expect(Math.abs(got[i]! - expected[i]!)).toBeLessThan(0.01);
});

test("equal costs are drawn evenly at any temperature", () => {
  const view = { eligible: [0, 2], random: randomStream(3) };
  const got = shares(3, () => chooseSoftly(view, [7, 0, 7], 0.01));
  expect(got[1]).toBe(0);
  expect(Math.abs(got[0]! - 0.5)).toBeLessThan(0.011);
});
