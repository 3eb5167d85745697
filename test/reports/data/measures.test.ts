import { expect, test } from "bun:test";
import { formatDifference, type Measure } from "../../../reports/data/measures.ts";

test("a difference has its sign, even below one, and none where it rounds to zero", () => {
  const measure = { unit: "ms" } as Measure;
  const of = (value: number): string => formatDifference(value, measure).replace("\u00a0", " ");
  expect([of(2.12), of(-0.154), of(0.2), of(-1234)]).toEqual([
    "+2.12 ms",
    "−0.154 ms",
    "+0.2 ms",
    "−1,234 ms",
  ]);
  expect(of(0)).toBe("0 ms");
});
