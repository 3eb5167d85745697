import { describe, expect, test } from "bun:test";
import { compareArms, isDecided, type Compared } from "../../../../core/metrics/compare/compare.ts";
import type { ComparedPlan } from "../../../../core/metrics/compare/compared-run.ts";
import type { CellResult } from "../../../../core/contract/result.ts";
import { summarizeCell } from "../../../../core/metrics/summary/summary.ts";
import type { RequestRecord } from "../../../../core/contract/record.ts";
import { PRIMARY_METRICS } from "../../../../core/contract/plan.ts";
import { COMPARABLE } from "../../../../core/metrics/compare/compared.ts";
import { controlFindings } from "../../../../core/metrics/compare/control.ts";
import { blockOf, errorShare } from "../../../../core/metrics/looks.ts";
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
const plan = { arms, seed: 0, primary: "ttftMs.mean" } as const;
const compare = (cells: readonly CellResult[], changes: Partial<ComparedPlan> = {}) =>
  compareArms(cells, { ...plan, ...changes });
const find = ({ comparisons }: Compared, metric: string) =>
  comparisons.find((comparison) => comparison.metric === metric)!;

describe("from three repeats up", () => {
  // Means of TTFT by hand: round robin 100, 200, 400; kv half, a quarter and an eighth of it.
  const cells = [100, 200, 400].flatMap((ttft, repeat) => [
    cellOf({ arm: 1, repeat }, [ttft, ttft]),
    cellOf({ arm: 0, repeat }, [ttft / 2 ** (repeat + 1), ttft / 2 ** (repeat + 1)]),
  ]);
  const compared = compare(cells);

  test("the interval is t on the paired log-ratios, of repeats alone where they have few requests", () => {
    const { ratio, difference, adjusted, ...rest } = find(compared, "ttftMs.mean");
    expect(rest).toEqual({
      a: "round-robin",
      b: "kv",
      parameters: { prefixRatio: 0.5 },
      metric: "ttftMs.mean",
      unit: "ms",
      role: "primary",
      confidence: 0.95,
      claim: "none",
      method: "t on log-ratios of repeats and their quarters",
      n: 3,
      unitOfN: "repeats",
    });
    // Log-ratios −ln 2 · (1, 2, 3): mean −2 ln 2, deviation ln 2; t(2) = 4.302653; half width
    // 4.302653 · ln 2 / √3 = 1.7218731; e to that is 5.594998.
    expect(ratio.value).toBeCloseTo(0.25, 12);
    expect(ratio.low).toBeCloseTo(0.25 / 5.594998, 6);
    expect(ratio.high).toBeCloseTo(0.25 * 5.594998, 5);
    // Three arms: comparisons with the reference have 4 % of errors, t(2) at 96 % = 4.848732.
    expect(adjusted.over).toBe(1);
    expect(adjusted.high).toBeCloseTo(0.25 * Math.exp((4.848732 * Math.LN2) / Math.sqrt(3)), 5);
    // Differences −50, −150, −350: mean −183.333, deviation 152.7525; half width 379.4587.
    expect(difference.value).toBeCloseTo(-550 / 3, 9);
    expect(difference.high - difference.value).toBeCloseTo(379.459, 2);
  });

  test("every metric is compared once, the primary one first", () => {
    const metrics = compared.comparisons.map(({ metric }) => metric);
    expect(metrics).toEqual([
      "ttftMs.mean",
      "itlMs.mean",
      "tpotMs.mean",
      "e2eMs.mean",
      "requestRps",
      "outputTps",
      "cachedShare",
    ]);
    expect(find(compared, "itlMs.mean").ratio).toEqual({ value: 1, low: 1, high: 1 });
    expect(find(compared, "cachedShare").ratio.value).toBeCloseTo(0.5, 12);
    const other = compare(cells, { primary: "outputTps" }).comparisons;
    expect(other.map(({ role }) => role)).toEqual(["primary", ...Array(6).fill("secondary")]);
    expect(other[0]!.metric).toBe("outputTps");
  });

  test("every metric that a plan may name can be compared, and no other", () => {
    const names = COMPARABLE.map(({ name }) => name);
    expect(names.toSorted()).toEqual(PRIMARY_METRICS.toSorted());
  });

  test("a metric without an interval says what it would take", () => {
    expect(compared.notCompared).toEqual([
      {
        metric: "ttftMs.p50",
        why: "needs 20 requests and 1 repeats at each point, there are 6 in 3",
      },
      {
        metric: "ttftMs.p99",
        why: "needs 1000 requests and 5 repeats at each point, there are 6 in 3",
      },
    ]);
  });

  test("only repeats that both arms completed count", () => {
    const extra = cellOf({ arm: 0, repeat: 3 }, [7, 7]);
    expect(compare([...cells, extra])).toEqual(compared);
    const aborted = cells.map((cell, i) =>
      i === 5 ? { ...cell, summary: { ...cell.summary, state: "aborted" as const } } : cell,
    );
    expect(find(compare(aborted), "ttftMs.mean")).toMatchObject({ n: 2, claim: "none" });
  });
});

describe("the parts of a repeat", () => {
  /** Repeats of 40 requests, whose quarters have the TTFT level × factor. */
  const repeats = (levels: readonly number[], arm: number, factors: readonly number[]) =>
    levels.map((level, repeat) =>
      cellOf(
        { arm, repeat },
        factors.flatMap((factor) => Array<number>(10).fill(level * factor)),
      ),
    );

  test("give a mean more degrees of freedom where repeats differ by no more than they explain", () => {
    const cells = [
      ...repeats([100, 100, 100], 1, [1, 1, 1, 1]),
      ...repeats([50, 50, 50], 0, [0.5, 1.5, 1, 1]),
    ];
    // The same profile in all repeats: no noise at all.
    const { ratio, adjusted, claim } = find(compare(cells), "ttftMs.mean");
    for (const end of [ratio.value, ratio.low, ratio.high, adjusted.low, adjusted.high]) {
      expect(end).toBeCloseTo(0.5, 12);
    }
    expect(claim).toBe("lower");
  });

  test("do not hide that repeats differ by more", () => {
    const cells = [
      ...repeats([100, 100, 100], 1, [1, 1, 1, 1]),
      ...repeats([50, 70, 90], 0, [1, 1, 1, 1]),
    ];
    const logs = [0.5, 0.7, 0.9].map(Math.log);
    const mean = logs.reduce((a, b) => a + b) / 3;
    const sd = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 2);
    const { ratio, claim } = find(compare(cells), "ttftMs.mean");
    expect(ratio.high).toBeCloseTo(Math.exp(mean + (4.302653 * sd) / Math.sqrt(3)), 5);
    expect(claim).toBe("none");
  });

  test("of throughput are stretches between ends", () => {
    const cells = [
      ...repeats([100, 100, 100], 1, [1, 1, 1, 1]),
      ...repeats([100, 100, 100], 0, [1, 1, 1, 1]),
    ];
    expect(find(compare(cells), "requestRps").ratio.value).toBe(1);
    expect(find(compare(cells), "outputTps").adjusted).toMatchObject({ low: 1, high: 1 });
  });
});

describe("with one repeat", () => {
  const a = cellOf({ arm: 1 }, wave(200, 100));
  const half = cellOf({ arm: 0 }, wave(200, 50));

  test("intervals hold within this run, and nothing is claimed", () => {
    const compared = compare([a, half]);
    expect(find(compared, "ttftMs.mean")).toMatchObject({
      method: "t on log-ratios of ten parts, this run only",
      n: 200,
      unitOfN: "requests",
    });
    expect(compared.comparisons.map(({ claim }) => claim)).toEqual(
      compared.comparisons.map(() => "none"),
    );
    expect(compared.best).toBeUndefined();
  });

  test("throughput and the hit share have intervals too; p99 has not", () => {
    const metrics = compare([a, half]).comparisons.map(({ metric }) => metric);
    expect(metrics).toContain("requestRps");
    expect(metrics).toContain("outputTps");
    expect(metrics).toContain("cachedShare");
    expect(metrics).toContain("ttftMs.p50");
    expect(metrics).not.toContain("ttftMs.p99");
  });

  test("noise that both arms share cancels: half of every value is a ratio of one half without spread", () => {
    for (const metric of ["ttftMs.mean", "ttftMs.p50"]) {
      const { ratio, difference } = find(compare([a, half]), metric);
      for (const value of Object.values(ratio)) expect(value).toBeCloseTo(0.5, 12);
      expect(difference.low).toBeLessThan(difference.value);
      expect(difference.high).toBeGreaterThan(difference.value);
    }
  });

  test("the value itself is that of the summaries", () => {
    const means = [a, half].map((cell) => cell.summary.metrics.e2eMs!.mean);
    const compared = compare([a, half]);
    expect(find(compared, "e2eMs.mean").ratio.value).toBeCloseTo(means[1]! / means[0]!, 12);
    expect(find(compared, "cachedShare").ratio.value).toBeCloseTo(0.5, 12);
  });

  test("ten parts need fifty requests", () => {
    const metricsOf = (n: number) =>
      compare([cellOf({ arm: 1 }, wave(n, 100)), cellOf({ arm: 0 }, wave(n, 50))]).comparisons.map(
        ({ metric }) => metric,
      );
    expect(metricsOf(50)).toContain("ttftMs.mean");
    expect(metricsOf(49)).toEqual(["ttftMs.p50"]);
    expect(metricsOf(19)).toEqual([]);
  });

  test("a failed request has no latency on its arm, and does not keep the SLO", () => {
    const failing = cellOf({ arm: 0 }, wave(200, 50), (record, i) =>
      i % 10 === 0 ? { ...record, state: "failed" } : record,
    );
    const kept = wave(200, 50).filter((_, i) => i % 10 !== 0);
    const mean = kept.reduce((sum, ttft) => sum + ttft, 0) / kept.length;
    const { ratio } = find(compare([a, failing]), "ttftMs.mean");
    expect(ratio.value).toBeCloseTo(mean / a.summary.metrics.ttftMs!.mean, 12);
  });

  test("figures without a ratio are left out", () => {
    const cold = cellOf({ arm: 1 }, wave(200, 100), (record) => ({ ...record, cachedTokens: 0 }));
    const metrics = compare([cold, half]).comparisons.map(({ metric }) => metric);
    expect(metrics).not.toContain("cachedShare");
    expect(metrics).toContain("ttftMs.mean");
  });
});

describe("quantiles", () => {
  const repeats = (count: number, level: number, arm: number) =>
    Array.from({ length: count }, (_, repeat) => cellOf({ arm, repeat }, wave(200, level)));

  test("p99 is taken over all repeats, from 1,000 requests in five", () => {
    const five = compare([...repeats(5, 100, 1), ...repeats(5, 50, 0)]);
    expect(find(five, "ttftMs.p99")).toMatchObject({
      method: "bootstrap of repeats and blocks of requests",
      n: 5,
      claim: "lower",
    });
    expect(find(five, "ttftMs.p99").ratio.value).toBeCloseTo(0.5, 12);
    const four = compare([...repeats(4, 100, 1), ...repeats(4, 50, 0)]);
    expect(find(four, "ttftMs.p99")).toBeUndefined();
    expect(four.notCompared).toEqual([
      {
        metric: "ttftMs.p99",
        why: "needs 1000 requests and 5 repeats at each point, there are 800 in 4",
      },
    ]);
  });

  test("the same seed resamples the same, another one otherwise", () => {
    const noisy = cellOf(
      { arm: 0 },
      wave(200, 50).map((ttft, i) => ttft + ((i * 7919) % 13)),
    );
    const low = (seed: number) =>
      find(compare([cellOf({ arm: 1 }, wave(200, 100)), noisy], { seed }), "ttftMs.p50").ratio.low;
    expect(low(0)).toBe(low(0));
    expect(low(0)).not.toBe(low(1));
  });
});

describe("how many comparisons hold together", () => {
  const at = (arm: number, ratio: number, level: number): CellResult[] =>
    [0, 1, 2].map((repeat) => cellOf({ arm, repeat, ratio }, wave(200, level + repeat)));
  const two = [0.1, 0.9].flatMap((ratio) => [...at(1, ratio, 100), ...at(0, ratio, 60)]);
  const three = [...two, ...at(2, 0.1, 70), ...at(2, 0.9, 70)];

  test("those with the reference by themselves, those chosen by their results by all that might be", () => {
    const primary = compare(three).comparisons.filter(({ role }) => role === "primary");
    expect(primary.map(({ a, b, adjusted }) => [a, b, adjusted.over])).toEqual([
      ["round-robin", "kv", 4],
      ["round-robin", "random", 4],
      ["random", "kv", 2],
      ["round-robin", "kv", 4],
      ["round-robin", "random", 4],
      ["random", "kv", 2],
    ]);
    const secondary = compare(three).comparisons.filter(({ role }) => role === "secondary");
    expect(new Set(secondary.map(({ adjusted }) => adjusted.over))).toEqual(new Set([28, 14]));
  });

  test("what is claimed leaves its error to those that remain", () => {
    const at = (ratio: number, exponents: readonly number[]): CellResult[] =>
      exponents.flatMap((exponent, repeat) => [
        cellOf({ arm: 1, repeat, ratio }, [100, 100]),
        cellOf({ arm: 0, repeat, ratio }, [100 / 2 ** exponent, 100 / 2 ** exponent]),
      ]);
    const claims = (first: readonly number[]) =>
      compare([...at(0.1, first), ...at(0.9, [2, 3, 4])], { arms: arms.slice(0, 2) })
        .comparisons.filter(({ role }) => role === "primary")
        .map(({ claim, adjusted }) => [claim, adjusted.over]);
    const both = 2;
    // Exponents 2, 3, 4: t = 3 √3 = 5.196, between t(2) at 95 % = 4.303 and at 97.5 % = 6.205.
    expect(claims([10, 10.1, 10.2])).toEqual([
      ["lower", both],
      ["lower", both],
    ]);
    expect(claims([1, 0, -1])).toEqual([
      ["none", both],
      ["none", both],
    ]);
  });

  test("the more, the wider", () => {
    const width = (cells: readonly CellResult[]): number => {
      const { adjusted } = find(compare(cells, { arms: arms.slice(0, 2) }), "ttftMs.mean");
      return Math.log(adjusted.high / adjusted.low);
    };
    expect(width(two)).toBeGreaterThan(
      width(two.filter(({ cell }) => cell.parameters["prefixRatio"] === 0.1)),
    );
  });

  test("an arm is the best only where it beats all others", () => {
    expect(compare(three).best).toEqual([
      { parameters: { prefixRatio: 0.1 }, arms: ["kv"] },
      { parameters: { prefixRatio: 0.9 }, arms: ["kv"] },
    ]);
    const tie = [...two, ...at(2, 0.1, 60), ...at(2, 0.9, 60)];
    expect(compare(tie).best!.map((one) => one.arms)).toEqual([
      ["kv", "random"],
      ["kv", "random"],
    ]);
    // More tokens per second are better.
    const rate = compare(three, { primary: "cachedShare" }).best!;
    expect(rate[0]!.arms).toEqual(["random"]);
  });
});

describe("the control", () => {
  const twin = { ...exampleArm("round-robin"), label: "round-robin-again", twinOf: 1 };
  const withTwin = [arms[0]!, arms[1]!, twin];
  const cellsWith = (twinTtftMs: readonly number[]): CellResult[] =>
    twinTtftMs.flatMap((ttft, repeat) =>
      [60, 100, ttft].map((level, arm) => {
        const noise = wave(200, level).map(
          (value, i) => value + ((i * 7919 + arm * 31 + repeat * 104729) % 97) / 10,
        );
        const cell = cellOf({ arm: Math.min(arm, 1), repeat }, noise);
        return {
          ...cell,
          cell: { ...cell.cell, arm },
          summary: { ...cell.summary, arm: withTwin[arm]!.label, id: `${repeat} ${arm}` },
        };
      }),
    );

  test("stands beside the results, competes with nobody and agrees with itself", () => {
    const { control, comparisons, best } = compare(cellsWith([100, 100, 100]), { arms: withTwin });
    expect(control).toMatchObject({
      a: "round-robin",
      b: "round-robin-again",
      metric: "ttftMs.mean",
      agrees: true,
    });
    expect(control!.points[0]!.ratio.value).toBeCloseTo(1, 3);
    expect(new Set(comparisons.map(({ b }) => b))).toEqual(new Set(["kv"]));
    expect(best).toEqual([{ parameters: { prefixRatio: 0.5 }, arms: ["kv"] }]);
  });

  test("costs the trust where it differs as one honest run in a thousand would", () => {
    const { control } = compare(cellsWith([103, 103, 103]), { arms: withTwin });
    expect(control!.agrees).toBe(false);
    const [finding] = controlFindings(control);
    expect(finding).toMatchObject({ id: "control-differs", severity: "untrusted" });
    expect(finding!.message).toContain(
      'The control "round-robin-again" is "round-robin" measured again',
    );
    expect(finding!.message).toContain("at prefixRatio 0.5");
  });

  test("is not judged below three repeats", () => {
    const { control } = compare(cellsWith([103]), { arms: withTwin });
    expect(control!.points).toHaveLength(1);
    expect(control!.agrees).toBeUndefined();
    expect(controlFindings(control)).toEqual([]);
  });
});

describe("looking at a run while it goes on", () => {
  const until = { rule: "decided", first: 3, block: 2 } as const;
  const noisy = (arm: number, level: number, count: number): CellResult[] =>
    Array.from({ length: count }, (_, repeat) =>
      cellOf(
        { arm, repeat },
        wave(200, level).map(
          (value, i) => value + ((i * 7919 + repeat * 104729 + arm * 31) % 97) / 10,
        ),
      ),
    );
  const run = (level: number, count: number) => [
    ...noisy(1, 100, count),
    ...noisy(0, level, count),
  ];

  test("spends at each look a part of the error, and all of it never", () => {
    const width = (cells: readonly CellResult[], rest: Partial<ComparedPlan>): number => {
      const { adjusted } = find(compare(cells, rest), "ttftMs.mean");
      return Math.log(adjusted.high / adjusted.low);
    };
    const cells = run(60, 3);
    expect(width(cells, { until })).toBeGreaterThan(width(cells, {}));
    expect([0, 1, 2, 3, 4, 5, 6].map((repeat) => blockOf(until, repeat))).toEqual([
      0, 0, 0, 1, 1, 2, 2,
    ]);
    const spent = [3, 5, 7, 9].map((repeats) => errorShare(until, repeats));
    expect(spent).toEqual([1 / 2, 1 / 6, 1 / 12, 1 / 20]);
    expect(errorShare(undefined, 3)).toBe(1);
  });

  test("ends when all primary comparisons are claims, or as narrow as asked", () => {
    const two = { arms: arms.slice(0, 2), until };
    expect(isDecided(run(60, 3), { ...plan, ...two })).toBe(true);
    expect(isDecided(run(100, 3), { ...plan, ...two })).toBe(false);
    expect(compare(run(100, 5), two).until).toEqual({ rule: "decided", repeats: 5, isMet: false });
    const wide = { rule: "width", halfWidth: 0.2, first: 3, block: 2 } as const;
    expect(isDecided(run(100, 3), { ...plan, ...two, until: wide })).toBe(true);
    const narrow = { ...wide, halfWidth: 1e-6 };
    expect(isDecided(run(100, 3), { ...plan, ...two, until: narrow })).toBe(false);
    expect(isDecided([], { ...plan, ...two })).toBe(false);
  });
});

test("cells of other requests or another time scale are not compared", () => {
  const a = cellOf({ arm: 1 }, wave(50, 100));
  const b = cellOf({ arm: 0 }, wave(50, 50));
  const other = (cell: Partial<typeof b.cell>): CellResult => ({
    ...b,
    cell: { ...b.cell, ...cell },
  });
  const isCompared = (cell: CellResult): boolean => compare([a, cell]).comparisons.length > 0;
  expect(isCompared(b)).toBe(true);
  expect(isCompared(other({ seed: 8 }))).toBe(false);
  expect(isCompared(other({ workload: { ...b.cell.workload, options: { isl: 7000 } } }))).toBe(
    false,
  );
  expect(isCompared({ ...b, summary: { ...b.summary, timeScale: 10 } })).toBe(false);
});

test("cells are compared at equal parameters only", () => {
  const cells = [0.1, 0.9].flatMap((ratio) => [
    cellOf({ arm: 1, ratio }, wave(50, 100)),
    cellOf({ arm: 0, ratio }, wave(50, 100 * (1 - ratio))),
  ]);
  const means = compare(cells).comparisons.filter(({ metric }) => metric === "ttftMs.mean");
  expect(means.map(({ parameters, ratio }) => [parameters, +ratio.value.toFixed(9)])).toEqual([
    [{ prefixRatio: 0.1 }, 0.9],
    [{ prefixRatio: 0.9 }, 0.1],
  ]);
});
