import { describe, expect, test } from "bun:test";
import {
  armPairs,
  haveSameRouter,
  usualPairs,
} from "../../../../core/metrics/compare/arm-pairs.ts";
import { summarizeCell } from "../../../../core/metrics/summary/summary.ts";
import type { CellSummary } from "../../../../core/contract/result.ts";
import { exampleArm, exampleCell, exampleInput, okRecord } from "../example-cells.ts";

const arms = [exampleArm("kv"), exampleArm("round-robin"), exampleArm("random")];
const onDynamo = { engineKey: "mocker on dynamo", plane: "dynamo" as const };
const router = (name: string) => exampleArm(name).router;

/** A cell of one request with that TTFT. */
function cellOf(arm: number, ratio: number, ttftMs: number): CellSummary {
  const cell = exampleCell({ arm, parameters: { prefixRatio: ratio } });
  const records = [okRecord(0, { intended: 0, first: ttftMs, gaps: [20] })];
  return summarizeCell(exampleInput(records, { cell, arm: arms[arm]! })).summary;
}

describe("usual pairs", () => {
  test("are each arm against round robin, wherever it is in the list", () => {
    expect(usualPairs(arms)).toEqual([
      [1, 0],
      [1, 2],
    ]);
  });

  test("are each arm against the first where there is no round robin", () => {
    expect(usualPairs([arms[0]!, arms[2]!])).toEqual([[0, 1]]);
  });

  test("stay within an engine; engines are compared by the router that both have", () => {
    expect(
      usualPairs([
        exampleArm("kv"),
        exampleArm("round-robin"),
        exampleArm("dynamo", onDynamo),
        exampleArm("dynamo-rr", { ...onDynamo, router: router("round-robin") }),
      ]),
    ).toEqual([
      [1, 0],
      [3, 2],
      [1, 3],
    ]);
  });

  test("are one for every router that engines have in common", () => {
    const other = (name: string) => exampleArm(`${name} b`, { ...onDynamo, router: router(name) });
    expect(
      usualPairs([
        exampleArm("kv"),
        exampleArm("round-robin"),
        other("kv"),
        other("round-robin"),
      ]).slice(2),
    ).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  test("are the references of engines without a common router", () => {
    expect(usualPairs([exampleArm("kv"), exampleArm("dynamo", onDynamo)])).toEqual([[0, 1]]);
  });

  test("are none for a single arm", () => {
    expect(usualPairs([arms[0]!])).toEqual([]);
  });
});

describe("the best and the second best of three arms", () => {
  // Products over two points: kv 10 · 30 = 300, round robin 60 · 60, random 20 · 20 = 400.
  const cells = [
    cellOf(0, 0.1, 10),
    cellOf(0, 0.9, 30),
    cellOf(1, 0.1, 60),
    cellOf(1, 0.9, 60),
    cellOf(2, 0.1, 20),
    cellOf(2, 0.9, 20),
  ];

  test("are compared as well, by the geometric mean over the points", () => {
    expect(armPairs(arms, { cells })).toEqual([
      [1, 0],
      [1, 2],
      [2, 0],
    ]);
  });

  test("are ranked at the points that all of them have", () => {
    expect(armPairs(arms, { cells: cells.slice(0, -1) })).toContainEqual([2, 0]);
    const onlyLast = cells.filter(({ parameters }) => parameters["prefixRatio"] === 0.9);
    expect(armPairs(arms, { cells: onlyLast })).toContainEqual([0, 2]);
  });

  test("add no pair where one of them is the reference", () => {
    const slow = cells.map((cell) => (cell.arm === "random" ? cellOf(2, 0.1, 900) : cell));
    expect(armPairs(arms, { cells: slow })).toHaveLength(2);
  });

  test("are not known without cells", () => {
    expect(armPairs(arms, { cells: [] })).toHaveLength(2);
  });
});

test("on request every pair is compared once", () => {
  expect(armPairs(arms, { cells: [], every: true })).toEqual([
    [1, 0],
    [1, 2],
    [0, 2],
  ]);
});

test("routers are the same by name and options", () => {
  const warm = { ...router("kv"), options: { temperature: 0.5 } };
  expect(haveSameRouter(exampleArm("a", { router: router("kv") }), exampleArm("kv"))).toBe(true);
  expect(haveSameRouter(exampleArm("kv"), exampleArm("kv", { router: warm }))).toBe(false);
});
