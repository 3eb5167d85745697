/** Which parameter becomes the axis, what the slices are, and how settings are named. */
import { expect, test } from "bun:test";
import { pointKey } from "../../../../core/metrics/point.ts";
import { axisLabel, readSweep } from "../../../../core/metrics/summary/sweep.ts";

const cells = (...all: Record<string, number | string | boolean>[]) =>
  all.map((parameters) => ({ parameters }));

test("without a sweep there is one point, no axis and no name", () => {
  expect(readSweep(cells({ prefixRatio: 0.5 }, { prefixRatio: 0.5 }))).toEqual({
    slices: [{ label: "" }],
    points: [{ parameters: { prefixRatio: 0.5 }, label: "", slice: 0, x: 0 }],
  });
  expect(readSweep([])).toEqual({ slices: [], points: [] });
});

test("numbers are sorted along the axis, whatever the order of the plan", () => {
  const sweep = readSweep(cells({ prefixRatio: 0.9 }, { prefixRatio: 0.1 }));
  expect(sweep.axis).toEqual({
    key: "prefixRatio",
    label: "Prefix ratio",
    values: [0.1, 0.9],
    numeric: true,
  });
  expect(sweep.points.map(({ label, x }) => [label, x])).toEqual([
    ["prefix ratio 0.1", 0],
    ["prefix ratio 0.9", 1],
  ]);
});

test("a second swept parameter becomes slices; the prefix ratio stays the axis", () => {
  const sweep = readSweep(
    cells(
      { concurrency: 8, prefixRatio: 0.1 },
      { concurrency: 1, prefixRatio: 0.1 },
      { concurrency: 8, prefixRatio: 0.9 },
    ),
  );
  expect(sweep.axis?.key).toBe("prefixRatio");
  expect(sweep.slices).toEqual([{ label: "concurrency 8" }, { label: "concurrency 1" }]);
  expect(sweep.points.map(({ slice, x }) => [slice, x])).toEqual([
    [0, 0],
    [0, 1],
    [1, 0],
  ]);
});

test("a parameter with numbers is preferred to one with words; words keep their order", () => {
  expect(readSweep(cells({ mode: "b", isl: 1 }, { mode: "a", isl: 2 })).axis?.key).toBe("isl");
  const words = readSweep(cells({ mode: "b" }, { mode: "a" })).axis;
  expect(words).toEqual({ key: "mode", label: "Mode", values: ["b", "a"], numeric: false });
});

test("labels spell names out and put units in parentheses", () => {
  expect(["rateRps", "isl", "numPrefixPrompts", "thinkMs", "S"].map(axisLabel)).toEqual([
    "Rate (requests/s)",
    "ISL (tokens)",
    "Num prefix prompts",
    "Think (ms)",
    "S",
  ]);
});

test("settings are equal whatever the order of their keys", () => {
  expect(pointKey({ a: 1, b: 2 })).toBe(pointKey({ b: 2, a: 1 }));
  expect(pointKey({ a: 1 })).not.toBe(pointKey({ a: "1" }));
});
