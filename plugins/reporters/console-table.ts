/** The main table: one row per setting and arm, its repeats pooled, within 100 columns. */
import { quantilesOf, WeightedSamples, type CellResult, type RunResult } from "dynbench";
import { clip, figure, pad, percent, plain, WIDTH, type Paint } from "./console-text.ts";

const GAP = 2;
const HEAD = ["TTFT mean", "p50", "p99", "ITL", "E2E", "tok/s", "hit (of ideal)", "failed"];
/** Names give way first when the figures need the room. */
const NAMES_LEAST = 6;

/** Lines with a header; times in ms, means unless the header says otherwise. */
export function mainTable(run: RunResult, paint: Paint): string[] {
  const keys = sweptKeys(run.cells);
  const arms = run.plan.arms.map((arm) => plain(arm.label));
  const groups = [
    ...Map.groupBy(run.cells, ({ cell }) =>
      JSON.stringify([keys.map((key) => cell.parameters[key]), cell.arm]),
    ).values(),
  ].map((cells) => ({ cells, parameters: cells[0]!.cell.parameters, arm: cells[0]!.cell.arm }));
  const order = [...new Set(groups.map(({ parameters }) => settingOf(parameters, keys)))];
  groups.sort(
    (a, b) =>
      order.indexOf(settingOf(a.parameters, keys)) - order.indexOf(settingOf(b.parameters, keys)) ||
      a.arm - b.arm,
  );

  const names = keys.length > 0 ? [keys.join(" "), "router"] : ["router"];
  const rows = groups.map(({ cells, parameters, arm }) => ({
    names: keys.length > 0 ? [settingOf(parameters, keys), arms[arm]!] : [arms[arm]!],
    figures: figuresOf(cells),
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
      ...first.map((text, i) => pad(clip(text, nameWidths[i]!), nameWidths[i]!, "left")),
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

/** Parameters with more than one value. */
function sweptKeys(cells: readonly CellResult[]): string[] {
  const keys = new Set(cells.flatMap(({ cell }) => Object.keys(cell.parameters)));
  return [...keys].filter((key) => new Set(cells.map(({ cell }) => cell.parameters[key])).size > 1);
}

function settingOf(parameters: CellResult["cell"]["parameters"], keys: readonly string[]): string {
  return plain(keys.map((key) => String(parameters[key] ?? "–")).join(" "));
}

/** Latencies over the requests of all repeats, tokens over the sum of durations, shares as means of repeats. */
function figuresOf(cells: readonly CellResult[]): string[] {
  const pooled = (column: "ttftMs" | "e2eMs") => {
    const samples = new WeightedSamples();
    for (const cell of cells) samples.merge(WeightedSamples.of(cell.points[column]));
    return quantilesOf(samples);
  };
  const ttft = pooled("ttftMs");
  const durationS = total(cells, ({ summary }) => summary.durationS);
  const tokens = total(cells, ({ summary }) => summary.metrics.outputTps * summary.durationS);
  const hit = average(cells.map(({ summary }) => summary.cache.cachedShare));
  const reached = average(cells.map(({ summary }) => summary.cache.reachedShare));
  return [
    figure(ttft?.mean),
    figure(ttft?.p50),
    figure(ttft?.p99),
    figure(itlMean(cells)),
    figure(pooled("e2eMs")?.mean),
    figure(durationS > 0 ? tokens / durationS : undefined),
    hit === undefined
      ? "–"
      : `${percent(hit)}${reached === undefined ? "" : ` (${percent(reached)})`}`,
    String(total(cells, ({ summary }) => summary.requests.failed + summary.requests.dropped)),
  ];
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
