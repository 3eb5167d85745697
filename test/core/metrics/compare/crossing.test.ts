/** Arms on different planes are compared where the control pair agrees, and nowhere else. */
import { describe, expect, test } from "bun:test";
import { compareArms } from "../../../../core/metrics/compare/compare.ts";
import { crossingFindings, crossings } from "../../../../core/metrics/compare/crossing.ts";
import type { CellResult } from "../../../../core/contract/result.ts";
import { summarizeCell } from "../../../../core/metrics/summary/summary.ts";
import { exampleArm, exampleCell, exampleInput, okRecord } from "../example-cells.ts";

const onDynamo = { plane: "dynamo", engineKey: "mocker on dynamo" } as const;
const arms = [
  exampleArm("kv"),
  exampleArm("round-robin", { isControl: true }),
  exampleArm("dynamo", onDynamo),
  exampleArm("dynamo-rr", { ...onDynamo, isControl: true }),
];

/** Every request of the cell has that TTFT, and an E2E 80 ms longer. */
function cellOf(arm: number, ttftMs: number, prefixRatio = 0.5): CellResult {
  const cell = exampleCell({ arm, parameters: { prefixRatio } });
  const records = Array.from({ length: 60 }, (_, i) =>
    okRecord(i, { intended: 200 * i, first: 200 * i + ttftMs, gaps: [20, 20, 20, 20] }),
  );
  return summarizeCell(exampleInput(records, { cell, arm: arms[arm]! }));
}

const pairsOf = (cells: readonly CellResult[]): Set<string> =>
  new Set(
    compareArms(cells, { arms, seed: 0, primary: "ttftMs.mean" }).comparisons.map(
      ({ a, b }) => `${b} against ${a}`,
    ),
  );
const summariesOf = (cells: readonly CellResult[]) => cells.map(({ summary }) => summary);

/** The controls 4 % apart in TTFT: 104 to 100, and E2E 184 to 180. */
const agreeing = [cellOf(0, 50), cellOf(1, 100), cellOf(2, 40), cellOf(3, 104)];
/** 10 % apart. */
const differing = [cellOf(0, 50), cellOf(1, 100), cellOf(2, 40), cellOf(3, 110)];

describe("the control pair", () => {
  test("agrees within its margin, both in TTFT and E2E", () => {
    const [crossing] = crossings(arms, summariesOf(agreeing));
    expect(crossing).toMatchObject({ control: ["round-robin", "dynamo-rr"], isFair: true });
    expect(crossing!.ttftRatio).toBeCloseTo(1.04, 9);
    expect(crossing!.e2eRatio).toBeCloseTo(184 / 180, 9);
    expect(crossings(arms, summariesOf(differing))[0]!.isFair).toBe(false);
  });

  test("is judged at each point of the sweep", () => {
    const cells = [cellOf(1, 100), cellOf(3, 100), cellOf(1, 100, 0.9), cellOf(3, 200, 0.9)];
    expect(crossings(arms, summariesOf(cells)).map(({ isFair }) => isFair)).toEqual([true, false]);
  });

  test("does not exist on a single plane, or while one of its arms is missing", () => {
    expect(crossings(arms.slice(0, 2), summariesOf(agreeing.slice(0, 2)))).toEqual([]);
    expect(crossings(arms, summariesOf(agreeing.slice(0, 3)))).toEqual([]);
  });
});

describe("gains", () => {
  const within = ["kv against round-robin", "dynamo against dynamo-rr"];
  const control = "dynamo-rr against round-robin";

  test("across the planes are shown where it agrees, for the best arm on each", () => {
    expect(pairsOf(agreeing)).toEqual(new Set([...within, control, "dynamo against kv"]));
  });

  test("are shown only within a plane where it does not agree, or is missing", () => {
    expect(pairsOf(differing)).toEqual(new Set([...within, control]));
    expect(pairsOf(agreeing.slice(0, 3))).toEqual(new Set(["kv against round-robin"]));
  });
});

test("the verdict has the ratios of the pair, with its margin", () => {
  const [agrees] = crossingFindings(crossings(arms, summariesOf(agreeing)));
  expect(agrees).toMatchObject({ id: "planes-agree", severity: "note" });
  expect(agrees!.message).toBe(
    'Control pair "dynamo-rr" against "round-robin": TTFT 1.04x, E2E 1.02x at prefixRatio 0.5; within 5 %',
  );
  const [differs] = crossingFindings(crossings(arms, summariesOf(differing)));
  expect(differs).toMatchObject({ id: "planes-differ", severity: "note" });
  expect(differs!.message).toEndWith("; not within 5 %");
  expect(crossingFindings([])).toEqual([]);
});
