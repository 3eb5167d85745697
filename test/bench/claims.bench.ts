/**
 * Whether claims hold: runs whose truth is known, on the virtual clock with fixed seeds, so that every
 * figure comes out the same again. Takes about a quarter of an hour; DYNBENCH_EXPERIMENTS=20 is a tenth.
 *
 * - Eight arms of one router at five prefix ratios, three repeats: every claim is false.
 * - Intervals of kv against round robin beside the ratio that a thousand repeats have shown.
 * - A difference of known size beside what intervals of one comparison alone would have found.
 * - `--until decided` where there is nothing to decide, and where there is.
 */
import type { CellResult, Interval } from "../../core/contract/result.ts";
import type { Plan, PrimaryMetric } from "../../core/contract/plan.ts";
import { compareArms, isDecided } from "../../core/metrics/compare/compare.ts";
import {
  comparedRun,
  estimateAt,
  pairRepeats,
  type ComparedRun,
} from "../../core/metrics/compare/compared-run.ts";
import { CONFIDENCE, tInterval } from "../../core/statistics/mean-interval.ts";
import { cellsOf, equalArms, runOf, slower, twoArms } from "./claims/experiments.ts";
import type { Row } from "./row.ts";

export const name = "claims";

const EXPERIMENTS = Number(process.env["DYNBENCH_EXPERIMENTS"] ?? 200);
const ARMS = 8;
const RATIOS = "0.1,0.3,0.5,0.7,0.9";
const SLO = "ttft=1500";

export async function run(): Promise<Row[]> {
  return [
    ...(await falseClaims("kv")),
    ...(await falseClaims("random")),
    ...(await falseClaims("cache-aware")),
    ...(await coverage()),
    ...(await power()),
    ...(await untilDecided()),
  ];
}

/** Share of `EXPERIMENTS` runs, as bounds of a rate: two standard errors above what is aimed at. */
function most(share: number): number {
  return 100 * (share + 2 * Math.sqrt((share * (1 - share)) / EXPERIMENTS));
}

async function falseClaims(router: string): Promise<Row[]> {
  const seen = { primary: 0, any: 0, best: 0, alone: 0, luck: 0 };
  for (let seed = 0; seed < EXPERIMENTS; seed += 1) {
    const plan = equalArms({ router, "prefix-ratio": RATIOS, repeat: 3, seed, slo: SLO }, ARMS);
    const { cells, compared } = await runOf(plan);
    const claims = compared.comparisons.filter(({ claim }) => claim !== "none");
    const primary = compared.comparisons.filter(({ role }) => role === "primary");
    if (claims.some(({ role }) => role === "primary")) seen.primary += 1;
    if (claims.length > 0) seen.any += 1;
    if (compared.best?.some(({ arms }) => arms.length === 1)) seen.best += 1;
    if (primary.some(({ ratio }) => ratio.low > 1 || ratio.high < 1)) seen.alone += 1;
    seen.luck += 1 - luckiest(cells);
  }
  const row = (what: string, count: number, must?: number): Row => ({
    what: `${ARMS} x ${router}, 5 ratios: runs with ${what}`,
    value: (100 * count) / EXPERIMENTS,
    unit: "% of runs",
    ...(must === undefined ? {} : { must }),
  });
  return [
    row("a false claim on the primary metric", seen.primary, most(0.05)),
    row("any false claim", seen.any, most(0.1)),
    row("a single best arm", seen.best, most(0.05)),
    { ...row("an own interval without 1", seen.alone), note: "intervals before they are adjusted" },
    {
      what: `${ARMS} x ${router}, 5 ratios: gain of the best over the mean of all`,
      value: (100 * seen.luck) / EXPERIMENTS,
      unit: "% TTFT",
      note: "luck: what picking the best of eight equal arms promises",
    },
  ];
}

/** Mean TTFT of the arm with the lowest, as a share of the mean of all, geometric over the points. */
function luckiest(cells: readonly CellResult[]): number {
  const logs = [...Map.groupBy(cells, ({ cell }) => cell.arm).values()].map(
    (own) => own.reduce((sum, cell) => sum + Math.log(ttftOf(cell)), 0) / own.length,
  );
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
  return Math.exp(Math.min(...logs) - mean);
}

function ttftOf({ summary }: CellResult): number {
  return summary.metrics.ttftMs!.mean;
}

const COVERED: readonly PrimaryMetric[] = [
  "ttftMs.mean",
  "ttftMs.p50",
  "ttftMs.p90",
  "ttftMs.p99",
  "e2eMs.mean",
  "itlMs.mean",
  "requestRps",
  "outputTps",
  "cachedShare",
  "sloShare",
  "goodputRps",
];
const REPEATS = [1, 3, 5, 10];

/** Runs of many repeats: with one, ten repeats would give a hundred intervals, of which 14 % missed by chance. */
const LONG_RUNS = 5;

/** How often the interval of a comparison alone misses the truth, for each metric and number of repeats. */
async function coverage(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const ratio of [0.5, 0.9]) {
    const truths = new Map<PrimaryMetric, number[]>();
    const intervals = new Map<string, Interval[]>();
    for (let seed = 0; seed < LONG_RUNS; seed += 1) {
      const repeat = 5 * EXPERIMENTS;
      const options = { router: "kv,round-robin", "prefix-ratio": ratio, repeat, slo: SLO, seed };
      const { plan, cells } = await cellsOf(twoArms(options));
      for (const metric of COVERED) {
        append(truths, metric, [Math.log(intervalIn(plan, cells, metric)!.value)]);
        for (const count of REPEATS) {
          const runs = Map.groupBy(cells, ({ cell }) => Math.floor(cell.repeat / count)).values();
          const own = [...runs].flatMap((run) => intervalIn(plan, run, metric) ?? []);
          append(intervals, `${metric} ${count}`, own);
        }
      }
    }
    for (const metric of COVERED) {
      const truth = Math.exp(truths.get(metric)!.reduce((sum, one) => sum + one, 0) / LONG_RUNS);
      const missed = REPEATS.map((count) => {
        const own = intervals.get(`${metric} ${count}`)!;
        const misses = own.filter(({ low, high }) => truth < low || truth > high).length;
        return own.length === 0 ? undefined : (100 * misses) / own.length;
      });
      rows.push({
        what: `kv / round-robin at ${ratio}: intervals of ${metric} miss the truth, at most`,
        value: Math.max(...missed.map((share) => share ?? 0)),
        unit: "%",
        must: 8,
        note: `${REPEATS.join(", ")} repeats: ${missed.map((share) => share?.toFixed(1) ?? "none").join(", ")}`,
      });
    }
  }
  return rows;
}

function append<Key, Value>(map: Map<Key, Value[]>, key: Key, values: readonly Value[]): void {
  map.set(key, [...(map.get(key) ?? []), ...values]);
}

/** The interval of one metric alone; undefined where none is printed. */
function intervalIn(
  plan: Plan,
  cells: readonly CellResult[],
  name: PrimaryMetric,
): Interval | undefined {
  const run = comparedRun(cells, { ...plan, primary: name });
  const [point] = run.points as [ComparedRun["points"][number]];
  const pairs = pairRepeats(point, run.usual[0]!);
  return estimateAt(run.metrics[0]!, pairs, { key: point.key, run })?.ratio(CONFIDENCE);
}

/** Differences of known size, found by claims and by the t interval of repeat means alone. */
async function power(): Promise<Row[]> {
  const rows: Row[] = [];
  const sizes = [0.03, 0.1, 0.3];
  for (const [router, points] of [
    ["random", "0.5"],
    ["random", RATIOS],
    ["kv", "0.5"],
    ["kv", RATIOS],
  ] as const) {
    const found = sizes.map(() => ({ claims: 0, alone: 0 }));
    for (let seed = 0; seed < EXPERIMENTS; seed += 1) {
      const plan = equalArms({ router, "prefix-ratio": points, repeat: 3, seed }, 2);
      const { cells } = await cellsOf(plan);
      sizes.forEach((more, i) => {
        const changed = cells.map((cell) => (cell.cell.arm === 1 ? slower(cell, 1 + more) : cell));
        found[i]!.claims += claimedShare(changed, plan);
        found[i]!.alone += aloneFound(changed);
      });
    }
    sizes.forEach((more, i) => {
      const missed = (share: number): number => 100 - (100 * share) / EXPERIMENTS;
      rows.push({
        what: `2 x ${router} at ${points}: ${100 * more} % more TTFT is not found`,
        value: missed(found[i]!.claims),
        unit: "% of points",
        must: missed(found[i]!.alone) + 5,
        note: `t of repeat means, each point alone: ${missed(found[i]!.alone).toFixed(1)} %`,
      });
    });
  }
  return rows;
}

/** Share of points at which the second arm is claimed to be slower. */
function claimedShare(cells: readonly CellResult[], plan: Plan): number {
  const primary = compareArms(cells, plan).comparisons.filter(({ role }) => role === "primary");
  return primary.filter(({ claim }) => claim === "higher").length / primary.length;
}

/** Share of points whose plain t interval of paired log-ratios lies above 0. */
function aloneFound(cells: readonly CellResult[]): number {
  const points = [...Map.groupBy(cells, ({ cell }) => JSON.stringify(cell.parameters)).values()];
  const found = points.filter((own) => {
    const of = (arm: number): number[] =>
      own
        .filter(({ cell }) => cell.arm === arm)
        .sort((x, y) => x.cell.repeat - y.cell.repeat)
        .map((cell) => Math.log(ttftOf(cell)));
    const [a, b] = [of(0), of(1)];
    return tInterval(a.map((value, i) => b[i]! - value)).low > 0;
  });
  return found.length / points.length;
}

async function untilDecided(): Promise<Row[]> {
  const until = { rule: "decided", first: 3, block: 2 } as const;
  const most15 = { "prefix-ratio": 0.9, repeat: 15 };
  let decided = 0;
  for (let seed = 0; seed < EXPERIMENTS; seed += 1) {
    const plan = equalArms({ ...most15, router: "kv", seed }, 2);
    const { cells } = await cellsOf(plan);
    const looks = [3, 5, 7, 9, 11, 13, 15].some((repeats) =>
      isDecided(
        cells.filter(({ cell }) => cell.repeat < repeats),
        { ...plan, until },
      ),
    );
    if (looks) decided += 1;
  }
  let late = 0;
  for (let seed = 0; seed < EXPERIMENTS; seed += 1) {
    const plan = twoArms({ router: "kv,round-robin", "prefix-ratio": 0.9, repeat: 3, seed });
    const { cells } = await cellsOf(plan);
    if (!isDecided(cells, { ...plan, until })) late += 1;
  }
  return [
    {
      what: "--until decided: kv against itself is decided within 15 repeats",
      value: (100 * decided) / EXPERIMENTS,
      unit: "% of runs",
      must: most(0.05),
    },
    {
      what: "--until decided: kv against round-robin at 0.9 needs more than the first block",
      value: (100 * late) / EXPERIMENTS,
      unit: "% of runs",
      must: 0,
    },
  ];
}
