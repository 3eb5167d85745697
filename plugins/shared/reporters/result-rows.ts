/** What the tables of results are made of: a row per setting and arm, its repeats pooled. Pure. */
import { quantilesOf, WeightedSamples, type CellResult, type RunResult } from "dynbench/report";
import { figures, percent, plain } from "./text.ts";

export const FIGURE_HEAD = [
  "TTFT mean",
  "p50",
  "p99",
  "ITL",
  "E2E",
  "tok/s",
  "hit (of ideal)",
  "failed",
] as const;

export interface ResultRow {
  /** Values of the swept parameters; empty without any. */
  readonly setting: string;
  readonly arm: string;
  /** In the order of `FIGURE_HEAD`; times in ms, means unless the head names a percentile. */
  readonly figures: readonly string[];
}

/**
 * In the order of the settings, then of the arms: that of the plan, or `order`, their indices. `swept`
 * names the parameters in `setting`.
 */
export function resultRows(
  run: RunResult,
  order: readonly number[] = [...run.plan.arms.keys()],
): { swept: string; rows: ResultRow[] } {
  const places = new Map(order.map((arm, place) => [arm, place]));
  const keys = sweptKeys(run.cells.map(({ cell }) => cell.parameters));
  const arms = run.plan.arms.map((arm) => plain(arm.label));
  const groups = [
    ...Map.groupBy(run.cells, (result) =>
      JSON.stringify([
        keys.map((key) => result.cell.parameters[key]),
        result.cell.arm,
        isPart(result),
      ]),
    ).values(),
  ].map((cells) => ({ cells, ...cells[0]!.cell, isPart: isPart(cells[0]!) }));
  groups.sort(
    (a, b) =>
      compareSettings(a.parameters, b.parameters, keys) || places.get(a.arm)! - places.get(b.arm)!,
  );
  const all = groups.map(({ cells }) => figuresOf(cells));
  const measured = TIMES_AND_RATES.map((column) => figures(all.map((row) => row[column])));
  return {
    swept: keys.join(" "),
    rows: groups.map(({ parameters, arm, isPart: part }, i) => ({
      setting: settingOf(parameters, keys),
      arm: part ? `${arms[arm]!} (part)` : arms[arm]!,
      figures: [...measured.map((column) => column[i]!), hitText(all[i]!), String(all[i]!.failed)],
    })),
  };
}

/** Of a cell that did not end; such figures have a row of their own. */
function isPart({ summary }: CellResult): boolean {
  return summary.state !== "completed";
}

type Parameters = CellResult["cell"]["parameters"];

/** Parameters with more than one value. */
export function sweptKeys(all: readonly Parameters[]): string[] {
  const keys = new Set(all.flatMap((parameters) => Object.keys(parameters)));
  return [...keys].filter((key) => new Set(all.map((parameters) => parameters[key])).size > 1);
}

export function settingOf(parameters: Parameters, keys: readonly string[]): string {
  return plain(keys.map((key) => String(parameters[key] ?? "–")).join(" "));
}

/** Numbers by size, key by key; what is no number stays in the order of the plan. */
export function compareSettings(a: Parameters, b: Parameters, keys: readonly string[]): number {
  for (const key of keys) {
    const difference = Number(a[key]) - Number(b[key]);
    if (difference !== 0 && Number.isFinite(difference)) return difference;
  }
  return 0;
}

const TIMES_AND_RATES = ["ttft", "p50", "p99", "itl", "e2e", "tps"] as const;

interface Figures extends Record<(typeof TIMES_AND_RATES)[number], number | undefined> {
  hit: number | undefined;
  reached: number | undefined;
  failed: number;
}

/** Latencies over the requests of all repeats, tokens over the sum of durations, shares as means of repeats. */
function figuresOf(cells: readonly CellResult[]): Figures {
  const pooled = (column: "ttftMs" | "e2eMs") => {
    const samples = new WeightedSamples();
    for (const cell of cells) samples.merge(WeightedSamples.of(cell.points[column]));
    return quantilesOf(samples);
  };
  const ttft = pooled("ttftMs");
  const durationS = total(cells, ({ summary }) => summary.durationS);
  const tokens = total(cells, ({ summary }) => summary.metrics.outputTps * summary.durationS);
  return {
    ttft: ttft?.mean,
    p50: ttft?.p50,
    p99: ttft?.p99,
    itl: itlMean(cells),
    e2e: pooled("e2eMs")?.mean,
    tps: durationS > 0 ? tokens / durationS : undefined,
    hit: average(cells.map(({ summary }) => summary.cache.cachedShare)),
    reached: average(cells.map(({ summary }) => summary.cache.reachedShare)),
    failed: total(cells, ({ summary }) => summary.requests.failed + summary.requests.dropped),
  };
}

function hitText({ hit, reached }: Figures): string {
  if (hit === undefined) return "–";
  return `${percent(hit)}${reached === undefined ? "" : ` (${percent(reached)})`}`;
}

/** Over all gaps of all repeats. */
function itlMean(cells: readonly CellResult[]): number | undefined {
  let sum = 0;
  let gaps = 0;
  for (const { points } of cells) {
    points.itlMsMean.forEach((mean, i) => {
      const count = points.gaps[i]!;
      if (!Number.isFinite(mean) || !(count > 0)) return;
      sum += mean * count;
      gaps += count;
    });
  }
  return gaps === 0 ? undefined : sum / gaps;
}

function total(cells: readonly CellResult[], of: (cell: CellResult) => number): number {
  return cells.reduce((sum, cell) => sum + of(cell), 0);
}

function average(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0) / known.length;
}
