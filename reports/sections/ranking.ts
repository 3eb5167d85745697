/** Many arms: a table with the best first, and charts over the options that they differ in. */
import { trendChart } from "../charts/trend.ts";
import type { ChartSpec } from "../charts/chart-spec.ts";
import { formatNumber, formatRatio, formatShare } from "../../core/metrics/summary/format.ts";
import { mean } from "../data/measures.ts";
import type { Dimension, RankedRow, Ranking } from "../data/ranking.ts";
import type { ReportData } from "../data/data.ts";
import { chooser, h, section, table } from "../drawing/dom.ts";
import { optionLines } from "../data/trend-lines.ts";
import { lowered } from "./panels.ts";
import type { Page } from "./standing.ts";

/** Rows shown at once, and rows of a page at most; all figures are in summary.json. */
const ROWS_OPEN = 20;
const ROWS_MOST = 500;

export function rankingSection(page: Page): HTMLElement | undefined {
  const { data } = page;
  const { ranking } = data;
  if (ranking === undefined) return undefined;
  let point = data.headline.point ?? 0;
  let over = widest(ranking);
  const charts = h("div", { class: "pair" });
  const rows = h("div", { class: "ranked" });
  const drawCharts = (): void => page.swap(charts, optionCharts(ranking, { over, point }));
  const drawRows = (): void => rows.replaceChildren(...rankedTables(ranking, point));
  drawCharts();
  drawRows();
  const settings = data.sweep.points.map(({ label }) => label);
  const axes = ranking.dimensions.map(({ label }) => label);
  return section(
    "ranking",
    `The ranking of ${ranking.arms.length} arms`,
    leadOf(data, ranking),
    chooser(settings, {
      label: "At",
      chosen: point,
      choose: (chosen) => {
        point = chosen;
        drawRows();
        drawCharts();
      },
    }),
    rows,
    chooser(axes, {
      label: "Over",
      chosen: over,
      choose: (chosen) => {
        over = chosen;
        drawCharts();
      },
    }),
    charts,
  );
}

function leadOf(data: ReportData, { primary, arms, reference }: Ranking): string {
  const shown = data.arms.length;
  return `By ${primary.words}, ${primary.lowerIsBetter ? "lowest" : "highest"} first; means over the repeats. In bold: arms of which each may be the best. The ratio is to ${arms[reference]!}. The sections below show ${shown} arms: the best over all settings, and ${arms[reference]!}.`;
}

/** The numeric option with most values; without one, any. */
function widest({ dimensions }: Ranking): number {
  const size = ({ numeric, values }: Dimension): number => (numeric ? 1e6 : 0) + values.length;
  return dimensions.reduce((most, one, i) => (size(one) > size(dimensions[most]!) ? i : most), 0);
}

function rankedTables(ranking: Ranking, point: number): HTMLElement[] {
  const all = ranking.rows.filter((row) => row.point === point);
  const most = Math.max(...all.map((row) => mean(row.primary) ?? 0));
  const options = ranking.dimensions.filter(({ parameter }) => parameter === undefined);
  const figures = FIGURES.filter(({ metric }) => metric !== ranking.primary.metric);
  const head = [
    "Rank",
    capital(`${ranking.primary.words}${unitOf(ranking)}`),
    ...(options.length === 0 ? ["Arm"] : options.map(({ label }) => label)),
    `Against ${ranking.arms[ranking.reference]!}`,
    ...figures.map(({ head: text }) => text),
  ];
  const cellsOf = (row: RankedRow): (HTMLElement | string)[] => [
    h(row.mayBeBest ? "b" : "span", {}, String(row.rank)),
    figureWithBar(mean(row.primary), most),
    ...(options.length === 0
      ? [ranking.arms[row.arm]!]
      : options.map((_, i) => String(ranking.values[row.arm]![i] ?? "–"))),
    againstReference(row),
    ...figures.map(({ of }) => of(row)),
  ];
  const open = all.filter(({ arm, rank }) => rank <= ROWS_OPEN || arm === ranking.reference);
  const rest = all.filter((row) => !open.includes(row)).slice(0, ROWS_MOST);
  const drawn = (rows: readonly RankedRow[]): HTMLElement => {
    const body = table(head, rows.map(cellsOf));
    body.classList.add("comparison");
    return body;
  };
  if (rest.length === 0) return [drawn(open)];
  const left = all.length - open.length - rest.length;
  const title = `${rest.length} more ${rest.length === 1 ? "arm" : "arms"}${left > 0 ? `; ${left} others are in summary.json` : ""}`;
  return [drawn(open), h("details", {}, h("summary", {}, title), drawn(rest))];
}

/** Left out where it is the primary metric, which has a column before. */
const FIGURES: readonly { metric: string; head: string; of(row: RankedRow): string }[] = [
  { metric: "ttftMs.mean", head: "TTFT (ms)", of: ({ ttftMs }) => figure(ttftMs) },
  { metric: "ttftMs.p99", head: "p99 TTFT", of: ({ ttftP99Ms }) => figure(ttftP99Ms) },
  { metric: "itlMs.mean", head: "ITL (ms)", of: ({ itlMs }) => figure(itlMs) },
  { metric: "e2eMs.mean", head: "E2E (ms)", of: ({ e2eMs }) => figure(e2eMs) },
  { metric: "outputTps", head: "Output (tok/s)", of: ({ outputTps }) => figure(mean(outputTps)) },
  {
    metric: "cachedShare",
    head: "Hit share",
    of: ({ hitShare }) => (hitShare === undefined ? "–" : formatShare(hitShare)),
  },
  { metric: "", head: "Failed", of: ({ failed }) => String(failed) },
];

function figure(value: number | undefined): string {
  return value === undefined ? "–" : formatNumber(value);
}

function unitOf({ primary }: Ranking): string {
  return primary.unit === "" || primary.words.includes(primary.unit) ? "" : ` (${primary.unit})`;
}

function capital(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

function figureWithBar(value: number | undefined, most: number): HTMLElement {
  const bar = h("i", { "aria-hidden": "true" });
  bar.style.width = `${most > 0 ? (100 * (value ?? 0)) / most : 0}%`;
  return h("span", { class: "measured" }, figure(value), bar);
}

function againstReference({ against }: RankedRow): HTMLElement | string {
  if (against === undefined) return "–";
  const { ratio, low, high, claim } = against;
  const state = claim === "none" ? "unsure" : claim;
  return h(
    "span",
    { class: `against ${state}` },
    formatRatio(ratio),
    h("small", {}, `${low.toFixed(2)}–${high.toFixed(2)}`),
  );
}

/** The primary metric and the throughput over one option, at one setting or, over a swept parameter, at all. */
function optionCharts(
  ranking: Ranking,
  at: { readonly over: number; readonly point: number },
): ChartSpec[] {
  const dimension = ranking.dimensions[at.over];
  if (dimension === undefined) return [];
  const { primary } = ranking;
  const chart = (
    pick: (row: RankedRow) => readonly number[],
    text: { title: string; lower: boolean; unit: string },
  ): ChartSpec => {
    const { lines, behind, what } = optionLines(ranking, { ...at, pick, lower: text.lower });
    return trendChart(lines, dimension, {
      title: `${text.title} over ${lowered(dimension.label)}`,
      subtitle: `${what}; the axis does not begin at zero; ${text.lower ? "lower" : "higher"} is better`,
      yLabel: `${text.title}${text.unit === "" ? "" : ` (${text.unit})`}`,
      behind,
      isFitted: true,
    });
  };
  const isOutput = primary.words === "output tokens/s";
  return [
    chart((row) => row.primary, {
      title: capital(primary.words),
      lower: primary.lowerIsBetter,
      unit: unitOf(ranking) === "" ? "" : primary.unit,
    }),
    isOutput
      ? chart((row) => (row.ttftMs === undefined ? [] : [row.ttftMs]), {
          ...{ title: "Mean TTFT", lower: true, unit: "ms" },
        })
      : chart((row) => row.outputTps, { title: "Output tokens/s", lower: false, unit: "" }),
  ];
}
