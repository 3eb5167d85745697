import { expect, test } from "bun:test";
import { analyzeTrace } from "../../../../core/trace/analysis/analysis.ts";
import { columnsOf } from "../columns.ts";

test("roots are the blocks that all rows begin with, then the branches after them", () => {
  const { roots } = analyzeTrace(
    columnsOf([
      [0, 1, 2],
      [0, 1, 2, 3],
      [0, 4],
      [0, 4],
      [0, 4],
    ]),
  );
  expect(roots).toEqual([
    { rows: 5, blocks: 1 },
    { rows: 3, blocks: 2 },
    { rows: 2, blocks: 3 },
  ]);
});

test("without a common prefix the branches start at the root", () => {
  const { roots } = analyzeTrace(columnsOf([[0, 1], [0, 1], [2], [2], [2], [3]]));
  expect(roots).toEqual([
    { rows: 3, blocks: 1 },
    { rows: 2, blocks: 2 },
  ]);
});

test("rows are counted where they arrive, the last one in the last part of the span", () => {
  const { arrivals } = analyzeTrace(columnsOf(Array.from({ length: 61 }, () => [0])));
  expect(arrivals).toMatchObject({ spanS: 60, bucketS: 1 });
  expect(arrivals!.rowsPerBucket).toEqual([...Array.from({ length: 59 }, () => 1), 2]);
});
