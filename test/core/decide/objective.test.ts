import { describe, expect, test } from "bun:test";
import type { Fault } from "../../../core/base/errors.ts";
import { objectiveOf, parseLimits, scoreOf } from "../../../core/decide/objective.ts";
import { summarizeCell } from "../../../core/metrics/summary/summary.ts";
import { exampleInput, steadyRecords } from "../metrics/example-cells.ts";

/** Mean TTFT 100 ms, gaps of 20 ms. */
const { summary } = summarizeCell(exampleInput(steadyRecords(100)));
const base = { value: 50, failed: 0 };
const limitsOf = (text: string) => parseLimits(text, []);

describe("a score", () => {
  const score = (metric: "ttftMs.mean" | "outputTps", limits = "", value = base.value): number =>
    scoreOf(summary, {
      objective: objectiveOf(metric),
      limits: limits === "" ? [] : limitsOf(limits),
      base: { ...base, value },
    });

  test("is the logarithm of the ratio to the base, and lower is better", () => {
    expect(score("ttftMs.mean")).toBeCloseTo(Math.log(2), 12);
    const { outputTps } = summary.metrics;
    expect(score("outputTps", "", outputTps / 2)).toBeCloseTo(-Math.log(2), 12);
  });

  test("pays ten times for what lies beyond a limit, and nothing within it", () => {
    expect(score("ttftMs.mean", "tpot.p99<40,output-tps>1")).toBeCloseTo(Math.log(2), 12);
    expect(score("ttftMs.mean", "tpot.p99<10")).toBeCloseTo(11 * Math.log(2), 12);
  });

  test("is infinite where more requests fail than at the base", () => {
    const failing = { ...summary, requests: { ...summary.requests, failed: 1 } };
    const of = { objective: objectiveOf("ttftMs.mean"), limits: [], base };
    expect(scoreOf(failing, of)).toBe(Infinity);
    expect(scoreOf(failing, { ...of, base: { ...base, failed: 1 } })).toBeCloseTo(Math.log(2), 12);
  });
});

test.each(["tpot", "tpot<", "tpot.p99<x", "depth<3", "tpot.p99=5"])(
  "a limit %s is refused with the metrics that there are",
  (text) => {
    const faults: Fault[] = [];
    expect(parseLimits(text, faults)).toEqual([]);
    expect(faults[0]!.hint).toContain("ttft.mean");
  },
);
