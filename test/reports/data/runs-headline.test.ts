/** The headline of several runs: the same gain in each, and how far their figures differ. */
import { expect, test } from "bun:test";
import { mergeRuns } from "../../../core/metrics/summary/merge-runs.ts";
import type { RunResult } from "../../../core/contract/result.ts";
import { reportData } from "../../../reports/data/data.ts";
import { generateRun, GUIDE_SHAPE, guideRun } from "../../fixtures/results/generate-run.ts";

const shape = { ...GUIDE_SHAPE, ratios: [0.5, 0.9], timeScale: 1 };

/** The same requests with every time longer by `factor`. */
function slower(run: RunResult, factor: number): RunResult {
  for (const { summary, points } of run.cells) {
    summary.metrics.ttftMs = {
      ...summary.metrics.ttftMs!,
      mean: summary.metrics.ttftMs!.mean * factor,
    };
    points.ttftMs = points.ttftMs.map((ttft) => ttft * factor);
  }
  return run;
}

test("the headline has the largest gain in each run, and the difference between the runs", () => {
  const runs = [generateRun(shape), slower(generateRun(shape), 1.25)];
  const { headline } = reportData(mergeRuns(runs, ["live", "virtual"]));
  expect(headline.sentence).toMatch(
    /^At prefix ratio 0\.9 the mean TTFT of kv is (0\.\d\d×) \(live\) and \1 \(virtual\) that of round-robin\.$/,
  );
  expect(headline.why).toEqual([
    "The mean TTFT of virtual is 1.25× that of live over 4 common cells.",
  ]);
  expect(headline.best).toBeUndefined();
});

test("for runs without a common pair it has their difference, or that they have nothing in common", () => {
  const one = { ...shape, arms: GUIDE_SHAPE.arms.slice(1) };
  const told = (other: RunResult) =>
    reportData(mergeRuns([generateRun(one), other], ["a", "b"])).headline.sentence;
  expect(told(generateRun(one))).toBe("The mean TTFT of b is 1.00× that of a over 2 common cells.");
  const apart = guideRun();
  apart.cells = [];
  expect(told(apart)).toBe("The runs have no setting and router in common.");
});
