import { expect, test } from "bun:test";
import { lengthHistogram } from "../../../../core/trace/analysis/length-histogram.ts";

test("bins grow with the length, from the shortest to the longest", () => {
  // round(2^(k/4)): 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8, 10.
  const { edges, rows } = lengthHistogram([1, 1, 2, 3, 9]);
  expect(edges).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 10]);
  expect(rows).toEqual([2, 1, 1, 0, 0, 0, 0, 1]);
});

test("a length at an edge is in the bin that begins there", () => {
  const { edges, rows } = lengthHistogram([1024, 1217, 1218]);
  expect(edges).toEqual([1024, 1218, 1448]);
  expect(rows).toEqual([2, 1]);
});

test("equal lengths are one bin", () => {
  expect(lengthHistogram([5, 5])).toEqual({ edges: [5, 6], rows: [2] });
});
