/** The main table: one row per setting and arm, its repeats pooled, within 100 columns. */
import { quantilesOf, WeightedSamples, type CellResult, type RunResult } from "dynbench";
import { clipMiddle, figures, pad, percent, plain, WIDTH, type Paint } from "./console-text.ts";

const GAP = 2;
const HEAD = ["TTFT mean", "p50", "p99", "ITL", "E2E", "tok/s", "hit (of ideal)", "failed"];
/** Names give way first when the figures need the room. */
const NAMES_LEAST = 6;

/** Lines with a header; times in ms, means unless the header says otherwise. */
export function mainTable(run: RunResult, paint: Paint): string[] {
  const keys = sweptKeys(run.cells.map(({ cell }) => cell.parameters));
  const arms = run.plan.arms.map((arm) => plain(arm.label));
  const groups = [
    ...Map.groupBy(run.cells, ({ cell }) =>
      JSON.stringify([keys.map((key) => cell.parameters[key]), cell.arm]),
    ).values(),
  ].map((cells) => ({ cells, parameters: cells[0]!.cell.parameters, arm: cells[0]!.cell.arm }));
  groups.sort((a, b) => compareSettings(a.parameters, b.parameters, keys) || a.arm - b.arm);

  const names = keys.length > 0 ? [keys.join(" "), "router"] : ["router"];
  const all = groups.map(({ cells }) => figuresOf(cells));
  const measured = TIMES_AND_RATES.map((column) => figures(all.map((row) => row[column])));
  const rows = groups.map(({ parameters, arm }, i) => ({
    names: keys.length > 0 ? [settingOf(parameters, keys), arms[arm]!] : [arms[arm]!],
    figures: [...measured.map((column) => column[i]!), hitText(all[i]!), String(all[i]!.failed)],
  }));
  const figureWidths = HEAD.map((head, i) =>
    widest([head, ...rows.map(({ figures }) => figures[i]!)]),
  );
  const nameWidths = fitNames(
    names.map((head, i) => widest([head, ...rows.map((row) => row.names[i]!)])),
    WIDTH - figureWidths.reduce((sum, width) => sum + width + GAP, 0),
  );
  const line = (first: readonly string[], figures: readonly string[]): string =>
    [
      ...first.map((text, i) => pad(clipMiddle(text, nameWidths[i]!), nameWidths[i]!, "left")),
      ...figures.map((text, i) => pad(text, figureWidths[i]!, "right")),
    ].join(" ".repeat(GAP));
  let setting: string | undefined;
  return [
    paint("dim", line(names, HEAD)),
    ...rows.map((row) => {
      // A setting is named once, above its arms.
      const again = keys.length > 0 && row.names[0] === setting;
      setting = row.names[0];
      return line(again ? ["", row.names[1]!] : row.names, row.figures);
    }),
  ];
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

function widest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => Bun.stringWidth(text)));
}

/** The widest name column shrinks until all fit. */
function fitNames(widths: readonly number[], room: number): number[] {
  const fitted = [...widths];
  const used = (): number =>
    fitted.reduce((sum, width) => sum + width, 0) + GAP * (fitted.length - 1);
  while (used() > room && Math.max(...fitted) > NAMES_LEAST) {
    fitted[fitted.indexOf(Math.max(...fitted))]! -= 1;
  }
  return fitted;
}
