import { expect, test } from "bun:test";
import { drawnLosses } from "../../../reports/charts/ladder.ts";

const ladder = (...shares: [number, number, number]) => {
  const losses = (["absent", "choice", "unmet"] as const).map((name, i) => ({
    name,
    share: shares[i]!,
  }));
  return { ideal: 0.75, losses, found: 0.75 - shares[0] - shares[1] - shares[2] };
};
const drawn = (...shares: [number, number, number]) =>
  drawnLosses(ladder(...shares)).map(({ share }) => share);

test("losses are drawn as they are where each is one", () => {
  expect(drawn(0.125, 0.25, 0.125)).toEqual([0.125, 0.25, 0.125]);
});

test("what was found beyond expectation is taken off the losses before it, so that bars end at the ideal", () => {
  expect(drawn(0.125, 0.25, -0.125)).toEqual([0.125, 0.125, 0]);
  expect(drawn(0.125, 0.25, -0.3125)).toEqual([0.0625, 0, 0]);
});
