/** The headline about the winner: right arm, right direction, no more certainty than the intervals allow. */
import { expect, test } from "bun:test";
import type { BestArms, Claim, Comparison } from "../../../../core/contract/result.ts";
import { shownIn, writeHeadline } from "../../../../core/metrics/summary/headline.ts";
import { generateRun, GUIDE_SHAPE, singleCellRun } from "../../../fixtures/results/generate-run.ts";

const shape = { ...GUIDE_SHAPE, requests: 20, ratios: [0.1, 0.9] };
const nbsp = "\u00a0";

const shownOf = (run: ReturnType<typeof generateRun>) => shownIn(run.plan);

type Ratio = [value: number, low: number, high: number];

/** Two settings, TTFT and shares set by hand, and the ratio b / a of each setting with its adjusted ends. */
function headlineOf(ratios: Ratio[], { flip = false, n = 3, best }: Given = {}) {
  const run = generateRun(shape);
  for (const cell of run.summary.cells) {
    const kv = cell.arm === "kv";
    cell.metrics.ttftMs!.mean = kv ? 610 : 1000;
    cell.cache = { cachedShare: kv ? 0.57 : 0.38, idealShare: 0.81 };
    cell.workers = [
      { id: "worker-0", requests: 10, promptTokens: 140_000, cachedTokens: kv ? 80_000 : 53_000 },
    ];
  }
  const comparisons = run.summary.comparisons
    .filter(({ metric }) => metric === "ttftMs.mean")
    .map((comparison, i): Comparison => {
      const [value, low, high] = ratios[i]!;
      const turn = (ratio: number): number => (flip ? 1 / ratio : ratio);
      const ends = [turn(low), turn(high)].sort((x, y) => x - y) as [number, number];
      const { a, b } = comparison;
      return {
        ...comparison,
        ...(flip ? { a: b, b: a } : {}),
        ratio: { value: turn(value), low: ends[0], high: ends[1] },
        adjusted: { low: ends[0], high: ends[1], over: 2 },
        claim: n < 3 ? "none" : claimOf(ends),
        n: n === 1 ? 200 : n,
        unitOfN: n === 1 ? "requests" : "repeats",
      };
    });
  const cells = run.summary.cells;
  return writeHeadline({ cells, comparisons, ...(best ? { best } : {}) }, shownOf(run));
}

interface Given {
  flip?: boolean;
  /** Repeats. */
  n?: number;
  best?: BestArms[];
}

function claimOf([low, high]: readonly [number, number]): Claim {
  return high < 1 ? "lower" : low > 1 ? "higher" : "none";
}

test("a winner is named with its largest gain, the interval and the reason", () => {
  const headline = headlineOf([
    [0.93, 0.88, 0.98],
    [0.61, 0.55, 0.67],
  ]);
  expect(headline.state).toBe("wins");
  expect(headline.sentence).toBe(
    `kv wins: at prefix ratio 0.9 its mean TTFT is 0.61× that of round-robin (0.55–0.67×, 95${nbsp}% over 2 comparisons together, 3 repeats).`,
  );
  expect(headline.why).toEqual([
    "The mean TTFT of kv is better at all 2 settings.",
    `kv found 57${nbsp}% of the prompt tokens in cache and round-robin 38${nbsp}%; the best any router could reach here is 81${nbsp}%.`,
    // (140,000 − 80,000) / 10 and (140,000 − 53,000) / 10 tokens per request.
    "That left 6.0k tokens to prefill per request instead of 8.7k.",
  ]);
});

test("the direction of a comparison does not change the headline", () => {
  const ratios: Ratio[] = [
    [0.8, 0.75, 0.85],
    [0.5, 0.4, 0.625],
  ];
  expect(headlineOf(ratios, { flip: true })).toEqual(headlineOf(ratios));
});

test("without a claim there is no winner", () => {
  const headline = headlineOf([
    [0.99, 0.9, 1.09],
    [0.95, 0.85, 1.06],
  ]);
  expect(headline.state).toBe("none");
  expect(headline.sentence).toStartWith("No difference is shown: at prefix ratio 0.9");
});

test("one repeat decides nothing, however narrow its interval, and the headline says what would", () => {
  const headline = headlineOf(
    [
      [0.93, 0.88, 0.98],
      [0.61, 0.55, 0.67],
    ],
    { n: 1 },
  );
  expect(headline.state).toBe("open");
  expect(headline.sentence).toBe(
    `One repeat decides nothing: at prefix ratio 0.9 the mean TTFT of kv is 0.61× that of round-robin (0.55–0.67×, 95${nbsp}% over 2 comparisons together, 200 requests, within this run). --repeat 3 and more can show a difference.`,
  );
  expect(headline.sentence).not.toContain("wins");
});

test("an arm that is better at some settings and worse at others wins in part", () => {
  const headline = headlineOf([
    [1.2, 1.1, 1.3],
    [0.6, 0.5, 0.7],
  ]);
  expect(headline.state).toBe("mixed");
  expect(headline.sentence).toStartWith("kv wins in part: at prefix ratio 0.9");
  expect(headline.why[0]).toBe("The mean TTFT of kv is better at 1 of 2 settings, worse at 1.");
});

test("an arm that another one may equal does not win, whatever it gains on the reference", () => {
  const bestAt = (prefixRatio: number, arms: string[]): BestArms => ({
    parameters: { prefixRatio },
    arms,
  });
  const ratios: Ratio[] = [
    [0.93, 0.88, 0.98],
    [0.61, 0.55, 0.67],
  ];
  const shared = headlineOf(ratios, {
    best: [bestAt(0.1, ["kv", "lmetric"]), bestAt(0.9, ["kv", "lmetric"])],
  });
  expect(shared.state).toBe("none");
  const part = headlineOf(ratios, { best: [bestAt(0.1, ["kv"]), bestAt(0.9, ["kv", "lmetric"])] });
  expect(part.state).toBe("wins");
  expect(part.sentence).toContain("at prefix ratio 0.1");
});

test("with one arm, without comparisons, and without answers nothing is claimed", () => {
  const run = singleCellRun();
  const { cells } = run.summary;
  expect(writeHeadline({ cells, comparisons: [] }, shownOf(run)).state).toBe("single");
  expect(writeHeadline({ cells: [], comparisons: [] }, shownOf(run)).state).toBe("empty");
  const two = generateRun(shape);
  const headline = writeHeadline({ cells: two.summary.cells, comparisons: [] }, shownOf(two));
  expect(headline.state).toBe("none");
  expect(headline.sentence).toContain("were not compared");
});

test("of three arms the best is compared with the next", () => {
  const arms = [
    { label: "round-robin", reached: 0.2 },
    { label: "kv", reached: 0.95 },
    { label: "prefix-hash", reached: 0.7 },
  ];
  const run = generateRun({ ...GUIDE_SHAPE, arms, ratios: [0.9] });
  const headline = writeHeadline(run.summary, shownOf(run));
  expect([headline.best, headline.rival]).toEqual(["kv", "prefix-hash"]);
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
    role: "secondary",
    ratio: { value: 1.14, low: 1.09, high: 1.19 },
    adjusted: { low: 1.08, high: 1.2, over: 7 },
    n: 3,
  };
  const headline = writeHeadline({ cells: run.summary.cells, comparisons: [output] }, shownOf(run));
  expect(headline.state).toBe("saturated");
  expect(headline.sentence).not.toContain("kv");
  expect(headline.why).toEqual([
    `kv put out 1.14× the tokens/s of round-robin (1.08–1.20×, 95${nbsp}% over 7 comparisons together, 3 repeats).`,
  ]);
});
