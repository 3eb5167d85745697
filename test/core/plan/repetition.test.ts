/** How often each arm is measured, when repeats end early, and the control. */
import { describe, expect, test } from "bun:test";
import { PlanFaults } from "../../../core/base/errors.ts";
import type { Plan } from "../../../core/contract/plan.ts";
import { buildPlan } from "../../../core/plan/build.ts";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../../../plugins/bundled.ts";
import { typed } from "./sample-plugins.ts";

type Pair = readonly [string, unknown];
const planOf = (...pairs: Pair[]): Plan =>
  buildPlan({ options: typed(...pairs), engineArgs: [] }, new PluginSet(BUNDLED)).plan;
const two: Pair = ["router", "kv,round-robin"];
const labels = (...pairs: Pair[]): string[] => planOf(...pairs).arms.map(({ label }) => label);

function faultOf(...pairs: Pair[]): string | undefined {
  try {
    planOf(...pairs);
    return undefined;
  } catch (error) {
    return (error as PlanFaults).faults.map(({ path, message }) => `${path} ${message}`).join("; ");
  }
}

describe("repeats", () => {
  test("are three for arms that are compared on the wall clock, and one otherwise", () => {
    expect(planOf(two).repeats).toBe(3);
    expect(planOf(two, ["repeat", 2]).repeats).toBe(2);
    expect(planOf(["router", "kv"]).repeats).toBe(1);
    expect(planOf(two, ["clock", "virtual"]).repeats).toBe(1);
  });
});

describe("the control", () => {
  test("is the reference again, on the virtual clock and from three repeats up", () => {
    const withControl = ["kv", "round-robin", "round-robin-again"];
    expect(labels(two)).toEqual(withControl);
    expect(labels(two, ["repeat", 2])).toEqual(["kv", "round-robin"]);
    expect(labels(two, ["repeat", 2], ["control", "aa"])).toEqual(withControl);
    expect(labels(two, ["clock", "virtual"])).toEqual(withControl);
    expect(labels(two, ["control", "off"])).toEqual(["kv", "round-robin"]);
    expect(labels(["router", "kv,random"])).toEqual(["kv", "random", "kv-again"]);
    expect(labels(["router", "kv"], ["control", "aa"])).toEqual(["kv"]);
  });

  test("has the same requests, and draws of its own for its router", () => {
    const { arms, cells } = planOf(two, ["prefix-ratio", "0.1,0.5"]);
    expect(arms[2]).toMatchObject({ twinOf: 1, engineKey: arms[1]!.engineKey });
    for (const cell of cells.filter(({ arm }) => arm === 2)) {
      const original = cells.find(
        ({ arm, repeat, parameters }) =>
          arm === 1 && repeat === cell.repeat && Bun.deepEquals(parameters, cell.parameters),
      )!;
      expect(cell.seed).toBe(original.seed);
      expect(cell.routerSeed).not.toBe(cell.seed);
      expect(original.routerSeed).toBeUndefined();
    }
    const seeds = cells.flatMap(({ routerSeed }) => routerSeed ?? []);
    expect(new Set(seeds).size).toBe(6);
  });
});

describe("--until", () => {
  test("adds repeats in blocks, up to --max-repeat and --max-time", () => {
    expect(planOf(two, ["until", "decided"])).toMatchObject({
      repeats: 30,
      until: { rule: "decided", first: 3, block: 2 },
    });
    const closer = planOf(two, ["until", "2.5 %"], ["max-repeat", 9], ["max-time", "2h"]);
    expect(closer).toMatchObject({
      repeats: 9,
      until: { rule: "width", halfWidth: 0.025, first: 3, block: 2, maxTimeS: 7200 },
    });
    const seconds = ["90s", "10m", "1.5 h"].map(
      (text) => planOf(two, ["until", "decided"], ["max-time", text]).until!.maxTimeS,
    );
    expect(seconds).toEqual([90, 600, 5400]);
  });

  test("has all cells of a block before those of the next, whatever the engines", () => {
    const { cells } = planOf(
      ["engine", "mocker:timing=h100,mocker"],
      two,
      ["until", "decided"],
      ["max-repeat", 7],
    );
    const blocks = cells.map(({ repeat }) => (repeat < 3 ? 0 : repeat < 5 ? 1 : 2));
    expect(blocks).toEqual(blocks.toSorted((x, y) => x - y));
  });

  test("is refused with its place where it cannot decide", () => {
    expect(faultOf(two, ["until", "soon"])).toBe(
      'run.until expected decided or a percentage, got "soon"',
    );
    expect(faultOf(two, ["until", "0%"])).toContain("run.until expected");
    expect(faultOf(["router", "kv"], ["until", "decided"])).toBe(
      "run.until has nothing to decide: there is one arm",
    );
    expect(faultOf(two, ["until", "decided"], ["repeat", 2])).toContain("run.repeat is 2");
    expect(faultOf(two, ["until", "decided"], ["max-time", "10"])).toBe(
      'run.maxTime expected a time, got "10"',
    );
  });
});

test("the primary metric is typed as its name and statistic", () => {
  expect(planOf(two).primary).toBe("ttftMs.mean");
  expect(planOf(two, ["primary", "e2e.p99"]).primary).toBe("e2eMs.p99");
  expect(planOf(two, ["primary", "output-tps"]).primary).toBe("outputTps");
  expect(faultOf(two, ["primary", "itl.p99"])).toContain("run.primary");
  expect(faultOf(two, ["primary", "goodput-rps"])).toBe(
    "run.primary is goodput-rps, which needs the limits of --slo",
  );
  expect(planOf(two, ["primary", "goodput-rps"], ["slo", "ttft=500"]).primary).toBe("goodputRps");
});
