/** Lines over an option that arms differ in, and places on its axis. */
import { expect, test } from "bun:test";
import { optionLines, positions, type OptionLines } from "../../../reports/data/trend-lines.ts";
import { reportData } from "../../../reports/data/data.ts";
import { manyArmsRun } from "../../fixtures/results/generate-run.ts";

const DIMENSIONS = { router: 0, temperature: 1, overlapCredit: 2, prefixRatio: 3 };

function linesOver(over: keyof typeof DIMENSIONS, temperatures: number): OptionLines {
  const ranking = reportData(manyArmsRun(temperatures, [0.5, 0.9])).ranking!;
  return optionLines(ranking, {
    over: DIMENSIONS[over],
    point: 0,
    lower: true,
    pick: ({ primary }) => primary,
  });
}

test("arms that are alike in all else make a line, named by what differs; others are levels", () => {
  const { lines, behind } = linesOver("temperature", 6);
  expect(lines.map(({ label, arm }) => [label, arm])).toEqual([
    ["overlap credit 0.1", 0],
    ["overlap credit 1", 1],
    ["overlap credit 10", 2],
    ["overlap credit 100", 3],
    ["overlap credit 1000", 4],
    ["round-robin", undefined],
  ]);
  for (const { repeats } of lines)
    expect(repeats.map(({ length }) => length)).toEqual(Array(6).fill(3));
  expect(behind).toEqual([]);
});

test("of more lines than can be told apart that of the best arm is named, and the others are pale", () => {
  const { lines, behind, what } = linesOver("overlapCredit", 20);
  expect(lines.map(({ arm }) => arm)).toEqual([0, undefined]);
  expect(lines[0]!.label).toStartWith("temperature ");
  expect(behind).toHaveLength(19);
  for (const line of behind) expect(line.map(({ x }) => x)).toEqual([0, 1, 2, 3, 4]);
  expect(what).toStartWith("each of 20 lines");
});

test("a single line has the router's name", () => {
  const ranking = reportData(manyArmsRun(3)).ranking!;
  const values = ranking.values.map((own) => own.with(2, own[2] === null ? null : 1));
  const { lines } = optionLines(
    { ...ranking, values },
    { over: 1, point: 0, lower: true, pick: ({ primary }) => primary },
  );
  expect(lines[0]!.label).toBe("kv");
});

test("over a swept parameter each arm is a line", () => {
  const { lines, behind } = linesOver("prefixRatio", 6);
  expect(lines).toHaveLength(1);
  expect(behind).toHaveLength(30);
});

const at = (values: (number | string)[], numeric = true): number[] =>
  positions({ values, numeric }).map((place) => Number(place.toFixed(6)));

test("numbers are at their values", () => {
  expect(at([0.1, 0.3, 0.9])).toEqual([0.1, 0.3, 0.9]);
  expect(at([0, 1, 2])).toEqual([0, 1, 2]);
});

test("numbers that span decades are at their logarithms, zero one step before them", () => {
  expect(at([1, 10, 1000])).toEqual([0, 1, 3]);
  expect(at([0, 0.01, 0.1, 1])).toEqual([-3, -2, -1, 0]);
});

test("numbers below zero and what is no number are in their order", () => {
  expect(at([-1, 1, 100])).toEqual([0, 1, 2]);
  expect(at(["fcfs", "wspt"], false)).toEqual([0, 1]);
});
