import { expect, test } from "bun:test";
import { cellsOf } from "../../../core/trace/csv.ts";

test("cells end at commas, quoted ones at their quote", () => {
  expect(cellsOf("a,b,c")).toEqual(["a", "b", "c"]);
  expect(cellsOf('"a,b","c ""d""",')).toEqual(["a,b", 'c "d"', ""]);
  expect(cellsOf('a,"b"')).toEqual(["a", "b"]);
  expect(cellsOf("")).toEqual([""]);
  expect(cellsOf(",")).toEqual(["", ""]);
});

test("quotes that do not close, or close too early, are faults", () => {
  expect(() => cellsOf('a,"b')).toThrow("has a quote that is not closed");
  expect(() => cellsOf('"a"b,c')).toThrow("has text after a closed quote");
});
