/** Series of a group: means over repeats, hit shares by the tokens that were sent. */
import { expect, test } from "bun:test";
import { overTime } from "../../../reports/data/over-time.ts";
import { singleCellRun } from "../../fixtures/results/generate-run.ts";

function cellOf(series: { timeS: number[]; open: number[]; waiting: number[] }) {
  const cell = singleCellRun().cells[0]!;
  cell.series = {
    inFlight: { timeS: series.timeS, workers: [] },
    open: { all: series.open, waiting: series.waiting },
  };
  cell.points = { ...cell.points, sentS: [], cachedTokens: [], promptTokens: [] };
  return cell;
}

test("counts are means over the repeats, and none after a repeat's end", () => {
  // Bins of two seconds: 8 s in all, and 4 s.
  const long = cellOf({ timeS: [0, 2, 4, 6], open: [8, 8, 8, 8], waiting: [4, 2, 0, 0] });
  const short = cellOf({ timeS: [0, 2], open: [4, 4], waiting: [0, 2] });
  const series = overTime([long, short], 4);
  expect(series.endS).toBe(8);
  expect(series.open).toEqual([6, 6, 4, 4]);
  expect(series.waiting).toEqual([2, 2, 0, 0]);
});

test("the hit share of a slice is that of the tokens sent in it, unknown where none was", () => {
  const cell = cellOf({ timeS: [0, 5], open: [1, 1], waiting: [0, 0] });
  // Five slices of two seconds: 10 and 90 of 100 tokens each in the first, an unknown one in the third.
  cell.points.sentS = [0, 1.9, 4.5, 9];
  cell.points.cachedTokens = [10, 90, NaN, 40];
  cell.points.promptTokens = [100, 100, 100, 80];
  expect(overTime([cell], 60).hitShare).toEqual([0.5, null, null, null, 0.5]);
});

test("a cell without a request has no series", () => {
  const series = overTime([cellOf({ timeS: [], open: [], waiting: [] })], 8);
  expect(series.endS).toBe(0);
  expect(series.hitShare.every((share) => share === null)).toBe(true);
});
