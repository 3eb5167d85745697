import { describe, expect, test } from "bun:test";
import { compareArms } from "../../../../core/metrics/compare/compare.ts";
import type { CellResult } from "../../../../core/contract/result.ts";
import { summarizeCell } from "../../../../core/metrics/summary/summary.ts";
import type { RequestRecord } from "../../../../core/contract/record.ts";
import { exampleArm, exampleCell, exampleInput, okRecord } from "../example-cells.ts";

const arms = [exampleArm("kv"), exampleArm("round-robin"), exampleArm("random")];

/** A cell whose request i has the given TTFT, in ms; E2E is 80 ms more, ITL and TPOT are 20. */
function cellOf(
  place: { arm: number; repeat?: number; ratio?: number },
  ttftMs: readonly number[],
  change: (record: RequestRecord, i: number) => RequestRecord = (record) => record,
): CellResult {
  const cell = exampleCell({
    arm: place.arm,
    repeat: place.repeat ?? 0,
    parameters: { prefixRatio: place.ratio ?? 0.5 },
  });
  const records = ttftMs.map((ttft, i) =>
    change(
      okRecord(
        i,
        { intended: 10 * i, first: 10 * i + ttft, gaps: [20, 20, 20, 20] },
        { cachedTokens: 10 * (place.arm + 1) },
      ),
      i,
    ),
  );
  return summarizeCell(exampleInput(records, { cell, arm: arms[place.arm]! }));
}

const wave = (n: number, level: number): number[] =>
  Array.from({ length: n }, (_, i) => level * (1 + 0.5 * Math.sin(i / 3)));
const find = (comparisons: ReturnType<typeof compareArms>, metric: string) =>
  comparisons.find((comparison) => comparison.metric === metric)!;

describe("from three repeats up", () => {
  // Means of TTFT by hand: round robin 100, 200, 400; kv half, a quarter and an eighth of it.
  const cells = [100, 200, 400].flatMap((ttft, repeat) => [
    cellOf({ arm: 1, repeat }, [ttft, ttft]),
    cellOf({ arm: 0, repeat }, [ttft / 2 ** (repeat + 1), ttft / 2 ** (repeat + 1)]),
  ]);
  const comparisons = compareArms(cells, { arms, seed: 0 });

  test("the interval is t on the paired log-ratios", () => {
    const { ratio, difference, ...rest } = find(comparisons, "ttftMs.mean");
    expect(rest).toEqual({
      a: "round-robin",
      b: "kv",
      parameters: { prefixRatio: 0.5 },
      metric: "ttftMs.mean",
      unit: "ms",
      confidence: 0.95,
      method: "t on log-ratio of repeat means",
      n: 3,
      unitOfN: "repeats",
    });
    // Log-ratios −ln 2 · (1, 2, 3): mean −2 ln 2, deviation ln 2; t(2) = 4.302653; half width
    // 4.302653 · ln 2 / √3 = 1.7218731; e to that is 5.594998.
    expect(ratio.value).toBeCloseTo(0.25, 12);
    expect(ratio.low).toBeCloseTo(0.25 / 5.594998, 6);
    expect(ratio.high).toBeCloseTo(0.25 * 5.594998, 5);
    // Differences −50, −150, −350: mean −183.333, deviation 152.7525; half width 379.4587.
    expect(difference.value).toBeCloseTo(-550 / 3, 9);
    expect(difference.high - difference.value).toBeCloseTo(379.459, 2);
  });

  test("throughput is compared as well, and every metric once", () => {
    expect(comparisons.map(({ metric }) => metric)).toEqual([
      "ttftMs.mean",
      "ttftMs.p50",
      "ttftMs.p99",
      "itlMs.mean",
      "tpotMs.mean",
      "e2eMs.mean",
      "requestRps",
      "outputTps",
      "cachedShare",
    ]);
    expect(find(comparisons, "itlMs.mean").ratio).toEqual({ value: 1, low: 1, high: 1 });
    expect(find(comparisons, "cachedShare").ratio.value).toBeCloseTo(0.5, 12);
  });

  test("only repeats that both arms completed count", () => {
    const extra = cellOf({ arm: 0, repeat: 3 }, [7, 7]);
    expect(compareArms([...cells, extra], { arms, seed: 0 })).toEqual(comparisons);
    const aborted = cells.map((cell, i) =>
      i === 5 ? { ...cell, summary: { ...cell.summary, state: "aborted" as const } } : cell,
    );
    expect(find(compareArms(aborted, { arms, seed: 0 }), "ttftMs.mean")).toBeUndefined(); // 4 requests
  });
});

describe("with one or two repeats", () => {
  const a = cellOf({ arm: 1 }, wave(200, 100));
  const half = cellOf({ arm: 0 }, wave(200, 50));

  test("the bootstrap is over requests, and its method is labelled as of this run only", () => {
    const comparisons = compareArms([a, half], { arms, seed: 0 });
    expect(find(comparisons, "ttftMs.mean")).toMatchObject({
      method: "moving-block bootstrap, this run only",
      n: 200,
      unitOfN: "requests",
    });
  });

  test("noise that both arms share cancels: half of every value is a ratio of one half without spread", () => {
    for (const metric of ["ttftMs.mean", "ttftMs.p50", "ttftMs.p99"]) {
      const { ratio, difference } = find(compareArms([a, half], { arms, seed: 0 }), metric);
      for (const value of Object.values(ratio)) expect(value).toBeCloseTo(0.5, 12);
      expect(difference.low).toBeLessThan(difference.value);
      expect(difference.high).toBeGreaterThan(difference.value);
    }
  });

  test("the value itself is that of the summaries", () => {
    const comparisons = compareArms([a, half], { arms, seed: 0 });
    const means = [a, half].map((cell) => cell.summary.metrics.e2eMs!.mean);
    expect(find(comparisons, "e2eMs.mean").ratio.value).toBeCloseTo(means[1]! / means[0]!, 12);
    const p99 = [a, half].map((cell) => cell.summary.metrics.ttftMs!.p99);
    expect(find(comparisons, "ttftMs.p99").difference.value).toBeCloseTo(p99[1]! - p99[0]!, 9);
    expect(find(comparisons, "cachedShare").ratio.value).toBe(0.5);
  });

  test("throughput is left out: a cell has one duration", () => {
    const metrics = compareArms([a, half], { arms, seed: 0 }).map(({ metric }) => metric);
    expect(metrics).not.toContain("requestRps");
    expect(metrics).not.toContain("outputTps");
    expect(metrics).toContain("itlMs.mean");
  });

  test("two repeats are drawn from separately and pooled", () => {
    const cells = [
      a,
      half,
      cellOf({ arm: 1, repeat: 1 }, wave(100, 100)),
      cellOf({ arm: 0, repeat: 1 }, wave(100, 50)),
    ];
    expect(find(compareArms(cells, { arms, seed: 0 }), "ttftMs.mean").n).toBe(300);
  });

  test("the same seed gives the same interval, another one another", () => {
    const noisy = cellOf(
      { arm: 0 },
      wave(200, 50).map((ttft, i) => ttft + ((i * 7919) % 13)),
    );
    const low = (seed: number) =>
      find(compareArms([a, noisy], { arms, seed }), "ttftMs.mean").ratio.low;
    expect(low(0)).toBe(low(0));
    expect(low(0)).not.toBe(low(1));
  });

  test("requests are paired by index, and one that failed on an arm is skipped there", () => {
    const failing = cellOf({ arm: 0 }, wave(200, 50), (record, i) =>
      i % 10 === 0 ? { ...record, state: "failed" } : record,
    );
    const kept = wave(200, 50).filter((_, i) => i % 10 !== 0);
    const mean = kept.reduce((sum, ttft) => sum + ttft, 0) / kept.length;
    const { ratio, n } = find(compareArms([a, failing], { arms, seed: 0 }), "ttftMs.mean");
    expect(n).toBe(200);
    expect(ratio.value).toBeCloseTo(mean / a.summary.metrics.ttftMs!.mean, 12);
  });

  test("p99 needs 100 requests, anything 20", () => {
    const metricsOf = (n: number) =>
      compareArms([cellOf({ arm: 1 }, wave(n, 100)), cellOf({ arm: 0 }, wave(n, 50))], {
        arms,
        seed: 0,
      }).map(({ metric }) => metric);
    expect(metricsOf(100)).toContain("ttftMs.p99");
    expect(metricsOf(99)).not.toContain("ttftMs.p99");
    expect(metricsOf(20)).toContain("ttftMs.mean");
    expect(metricsOf(19)).toEqual([]);
  });

  test("figures without a ratio are left out", () => {
    const cold = cellOf({ arm: 1 }, wave(200, 100), (record) => ({ ...record, cachedTokens: 0 }));
    const metrics = compareArms([cold, half], { arms, seed: 0 }).map(({ metric }) => metric);
    expect(metrics).not.toContain("cachedShare");
    expect(metrics).toContain("ttftMs.mean");
  });
});

test("cells of other requests or another time scale are not compared", () => {
  const a = cellOf({ arm: 1 }, wave(50, 100));
  const b = cellOf({ arm: 0 }, wave(50, 50));
  const other = (cell: Partial<typeof b.cell>): CellResult => ({
    ...b,
    cell: { ...b.cell, ...cell },
  });
  const compared = (cell: CellResult): boolean =>
    compareArms([a, cell], { arms, seed: 0 }).length > 0;
  expect(compared(b)).toBe(true);
  expect(compared(other({ seed: 8 }))).toBe(false);
  expect(compared(other({ workload: { ...b.cell.workload, options: { isl: 7000 } } }))).toBe(false);
  expect(compared({ ...b, summary: { ...b.summary, timeScale: 10 } })).toBe(false);
});

test("cells are compared at equal parameters only", () => {
  const cells = [0.1, 0.9].flatMap((ratio) => [
    cellOf({ arm: 1, ratio }, wave(50, 100)),
    cellOf({ arm: 0, ratio }, wave(50, 100 * (1 - ratio))),
  ]);
  const means = compareArms(cells, { arms, seed: 0 }).filter(
    ({ metric }) => metric === "ttftMs.mean",
  );
  expect(means.map(({ parameters, ratio }) => [parameters, +ratio.value.toFixed(9)])).toEqual([
    [{ prefixRatio: 0.1 }, 0.9],
    [{ prefixRatio: 0.9 }, 0.1],
  ]);
});
