/** The headline about the winner: right arm, right direction, no more certainty than the intervals allow. */
import { expect, test } from "bun:test";
import type { Comparison } from "../../../core/contract/result.ts";
import { writeHeadline } from "../../../reports/data/headline.ts";
import { readSweep } from "../../../reports/data/sweep.ts";
import { generateRun, GUIDE_SHAPE, singleCellRun } from "../../fixtures/results/generate-run.ts";

const shape = { ...GUIDE_SHAPE, requests: 20, ratios: [0.1, 0.9] };
const nbsp = "\u00a0";

/** Two settings, TTFT and shares set by hand, and the ratio b / a of each setting. */
function headlineOf(ratios: [number, number, number][], flip = false) {
  const run = generateRun(shape);
  for (const cell of run.summary.cells) {
    const kv = cell.arm === "kv";
    cell.metrics.ttftMs!.mean = kv ? 610 : 1000;
    cell.cache = { cachedShare: kv ? 0.57 : 0.38, idealShare: 0.81 };
    cell.workers = [
      { id: "worker-0", requests: 10, promptTokens: 140_000, cachedTokens: kv ? 80_000 : 53_000 },
    ];
  }
  const comparisons: Comparison[] = run.summary.comparisons
    .filter(({ metric }) => metric === "ttftMs.mean")
    .map((comparison, i) => {
      const [value, low, high] = ratios[i]!;
      const { a, b } = comparison;
      return flip
        ? { ...comparison, a: b, b: a, ratio: { value: 1 / value, low: 1 / high, high: 1 / low } }
        : { ...comparison, ratio: { value, low, high } };
    });
  const arms = run.plan.arms.map(({ label }) => label);
  return writeHeadline(run.summary.cells, comparisons, {
    arms,
    points: readSweep(run.plan.cells).points,
  });
}

test("a clear winner is named with its largest gain, the interval and the reason", () => {
  const headline = headlineOf([
    [0.93, 0.88, 0.98],
    [0.61, 0.55, 0.67],
  ]);
  expect(headline.state).toBe("wins");
  expect(headline.sentence).toBe(
    `kv wins: at prefix ratio 0.9 its mean TTFT is 0.61× that of round-robin (95${nbsp}% interval 0.55–0.67×, 3 repeats).`,
  );
  expect(headline.why).toEqual([
    "The mean TTFT of kv is lower at all 2 settings.",
    `kv found 57${nbsp}% of the prompt tokens in cache and round-robin 38${nbsp}%; the best any router could reach here is 81${nbsp}%.`,
    // (140,000 − 80,000) / 10 and (140,000 − 53,000) / 10 tokens per request.
    "That left 6.0k tokens to prefill per request instead of 8.7k.",
  ]);
});

test("the direction of a comparison does not change the headline", () => {
  const ratios: [number, number, number][] = [
    [0.8, 0.75, 0.85],
    [0.5, 0.4, 0.625],
  ];
  expect(headlineOf(ratios, true)).toEqual(headlineOf(ratios));
});

test("an interval that includes 1 gives no winner", () => {
  const headline = headlineOf([
    [0.99, 0.9, 1.09],
    [0.95, 0.85, 1.06],
  ]);
  expect(headline.state).toBe("none");
  expect(headline.sentence).toStartWith("No clear winner: at prefix ratio 0.9");
  expect(headline.sentence).toContain("the interval includes 1×");
});

test("an arm that is better at some settings and worse at others wins in part", () => {
  const headline = headlineOf([
    [1.2, 1.1, 1.3],
    [0.6, 0.5, 0.7],
  ]);
  expect(headline.state).toBe("mixed");
  expect(headline.sentence).toStartWith("kv wins in part: at prefix ratio 0.9");
  expect(headline.why[0]).toBe("The mean TTFT of kv is lower at 1 of 2 settings, higher at 1.");
});

test("with one arm, without comparisons, and without answers nothing is claimed", () => {
  const run = singleCellRun();
  const points = readSweep(run.plan.cells).points;
  expect(writeHeadline(run.summary.cells, [], { arms: ["kv"], points }).state).toBe("single");
  expect(writeHeadline([], [], { arms: ["kv"], points }).state).toBe("empty");
  const two = generateRun(shape);
  const arms = two.plan.arms.map(({ label }) => label);
  const headline = writeHeadline(two.summary.cells, [], {
    arms,
    points: readSweep(two.plan.cells).points,
  });
  expect(headline.state).toBe("none");
  expect(headline.sentence).toContain("were not compared");
});

test("when the two best arms were only compared with a third, the best is compared with the third", () => {
  const arms = [
    { label: "round-robin", reached: 0.2 },
    { label: "kv", reached: 0.95 },
    { label: "prefix-hash", reached: 0.7 },
  ];
  const run = generateRun({ ...GUIDE_SHAPE, arms, ratios: [0.9] });
  const headline = writeHeadline(run.summary.cells, run.summary.comparisons, {
    arms: arms.map(({ label }) => label),
    points: readSweep(run.plan.cells).points,
  });
  expect([headline.best, headline.rival]).toEqual(["kv", "round-robin"]);
  expect(headline.state).toBe("wins");
});

test("a saturated run has no winner on latency, and the headline compares throughput", () => {
  const run = generateRun({ ...GUIDE_SHAPE, ratios: [0.9] });
  for (const { verdict } of run.summary.cells) {
    verdict.reasons = [{ id: "saturated", severity: "untrusted", message: "m", hint: "h" }];
  }
  const output: Comparison = {
    ...run.summary.comparisons[0]!,
    a: "round-robin",
    b: "kv",
    metric: "outputTps",
    ratio: { value: 1.14, low: 1.09, high: 1.19 },
    n: 3,
  };
  const headline = writeHeadline(run.summary.cells, [output], {
    arms: ["round-robin", "kv"],
    points: readSweep(run.plan.cells).points,
  });
  expect(headline.state).toBe("saturated");
  expect(headline.sentence).not.toContain("kv");
  expect(headline.why).toEqual([
    `kv put out 1.14× the tokens/s of round-robin (95${nbsp}% interval 1.09–1.19×, 3 repeats).`,
  ]);
});
