import { expect, test } from "bun:test";
import { slicesByTime } from "../../../core/decide/slices.ts";
import { exampleCell } from "../metrics/example-cells.ts";

const base = exampleCell();
const cell = {
  ...base,
  workload: { ...base.workload, options: { from: 0, trace: "t.jsonl" } },
};
const counts = { tune: 4, judge: 2 };
/** A row a second. */
const times = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test("a record is tuned on by its first part, and judged on what comes after", () => {
  const { tune, judge, cutS } = slicesByTime(cell, times(500), counts);
  const windows = [...tune, ...judge].map(({ workload: { options } }) => [
    options.from,
    options.to,
  ]);
  expect(windows).toEqual([
    [0, 75],
    [75, 150],
    [150, 225],
    [225, 300],
    [300, 400],
    [400, undefined],
  ]);
  expect(cutS).toBe(300);
  // The last one ends with the rows that the load asks for, which may be fewer than the file has.
  expect([...tune, ...judge].map(({ load }) => load.requests)).toEqual([
    ...Array<undefined>(5).fill(undefined),
    100,
  ]);
  expect(new Set([...tune, ...judge].map(({ seed }) => seed)).size).toBe(6);
});

test("a short record has fewer slices, and one that is too short is refused", () => {
  const { tune, judge } = slicesByTime(cell, times(200), counts);
  expect([tune.length, judge.length]).toEqual([2, 1]);
  expect(() => slicesByTime(cell, times(199), counts)).toThrow("has 199 requests");
});
