import { describe, expect, test } from "bun:test";
import {
  combinations,
  pointLabel,
  points,
  workloadPart,
  type Axis,
} from "../../../core/plan/sweep.ts";
import { faultsOf, planOf } from "./sample-plugins.ts";

const AXES: Axis[] = [
  { key: "prefixRatio", scope: "workload", values: [0.1, 0.5] },
  { key: "concurrency", scope: "load", values: [1, 8, 64] },
];

describe("points", () => {
  test("are all combinations, the last axis fastest", () => {
    expect(points(AXES).map(pointLabel)).toEqual([
      "prefixRatio=0.1 concurrency=1",
      "prefixRatio=0.1 concurrency=8",
      "prefixRatio=0.1 concurrency=64",
      "prefixRatio=0.5 concurrency=1",
      "prefixRatio=0.5 concurrency=8",
      "prefixRatio=0.5 concurrency=64",
    ]);
    expect(combinations(AXES)).toBe(6);
  });

  test("without axes there is one point, without a name", () => {
    expect(points([])).toEqual([{}]);
    expect(pointLabel({})).toBe("");
  });

  test("a point's requests depend on its workload part, however the axes were given", () => {
    const axes: Axis[] = [
      { key: "b", scope: "workload", values: [1] },
      { key: "a", scope: "workload", values: [2] },
      { key: "c", scope: "load", values: [3] },
    ];
    expect(JSON.stringify(workloadPart({ b: 1, c: 3, a: 2 }, axes))).toBe('{"a":2,"b":1}');
  });
});

describe("axes as typed", () => {
  const swept = (...pairs: [string, unknown][]) =>
    planOf(...pairs).cells.map(({ parameters }) => parameters);

  test("a list sweeps an option of the workload, --sweep one of the load", () => {
    expect(swept(["isl", "100,200"], ["prefix-ratio", "0.5"])).toEqual([
      { isl: 100, prefixRatio: 0.5 },
      { isl: 200, prefixRatio: 0.5 },
    ]);
    expect(swept(["prefix-ratio", "0.5"], ["sweep", ["rate=1,2"]])).toEqual([
      { prefixRatio: 0.5, rate: 1 },
      { prefixRatio: 0.5, rate: 2 },
    ]);
  });

  test("equal values are one point", () => {
    expect(swept(["prefix-ratio", "0.5,0.50,5e-1"])).toEqual([{ prefixRatio: 0.5 }]);
  });

  test("--sweep replaces the workload's own sweep, qualified or not", () => {
    const want = [{ prefixRatio: 0.2 }, { prefixRatio: 0.9 }];
    expect(swept(["sweep", ["prefix-ratio=0.2,0.9"]])).toEqual(want);
    expect(swept(["sweep", ["workload.prefixRatio=0.2,0.9"]])).toEqual(want);
  });

  test("a choice can be swept, and a wrong one is reported with the valid ones", () => {
    expect(swept(["sampling", "shuffle,replace"], ["prefix-ratio", "0.5"])).toHaveLength(2);
    expect(faultsOf(["sweep", ["sampling=shuffle,x"]])).toEqual([
      'workload.sampling: expected one of shuffle, replace, got "x"',
    ]);
  });

  test("an option that cannot be swept is reported", () => {
    expect(faultsOf(["sweep", ["concurency=1,2"]])).toEqual([
      "--sweep concurency=1,2: expected NAME=VALUE,VALUE with an option of the load, the workload, a router or an engine",
    ]);
    expect(faultsOf(["sweep", ["concurrency="]])).toEqual(["--sweep concurrency=: has no values"]);
    expect(faultsOf(["sweep", ["isl=1,2"]], ["isl", "3,4"])).toEqual([
      "--sweep isl=1,2: is swept twice",
    ]);
    expect(faultsOf(["sweep", ["rate=1", "rate=2"]])).toEqual(["--sweep rate=2: is swept twice"]);
  });

  test("a list for an option of the load gets a hint how to sweep it", () => {
    expect(faultsOf(["concurrency", "1,8"])).toEqual([
      'load.concurrency: expected a number, got "1,8"',
    ]);
  });
});
