/** The two usual panels of router benchmarks: mean TTFT and output throughput over the sweep. */
import { barChart } from "../charts/bars.ts";
import type { ChartSpec } from "../charts/chart-spec.ts";
import { trendChart } from "../charts/trend.ts";
import type { TrendLine } from "../data/trend-lines.ts";
import type { CellSummary } from "../../core/contract/result.ts";
import type { ReportData } from "../data/data.ts";
import { chooser, h, section } from "../drawing/dom.ts";
import { meanOf } from "../data/measures.ts";
import type { Page } from "./standing.ts";

/** Undefined for many arms, which are ranked instead. */
export function panelsSection(page: Page): HTMLElement | undefined {
  const { data } = page;
  if (data.ranking !== undefined) return undefined;
  const host = h("div", { class: "pair" });
  const show = (slice: number): void => {
    page.swap(host, [
      sweepChart(data, slice, {
        title: axisTitle(data, "Time to first token"),
        what: "mean over requests, lower is better",
        label: "Mean TTFT (ms)",
        of: (summary) => meanOf(summary, "ttftMs"),
      }),
      sweepChart(data, slice, {
        title: axisTitle(data, "Output throughput"),
        what: "output tokens per second of load, higher is better",
        label: "Output (tokens/s)",
        of: (summary) => summary.metrics.outputTps,
      }),
      ...(data.cells.some(({ summary }) => summary.sloShare !== undefined)
        ? [
            sweepChart(data, slice, {
              title: axisTitle(data, "Limits kept"),
              what: "requests that kept the limits of --slo, higher is better",
              label: "Requests (%)",
              percent: true,
              of: (summary) => summary.sloShare,
            }),
          ]
        : []),
    ]);
  };
  show(0);
  return section(
    "panels",
    data.arms.length > 1 ? "The comparison" : "The result",
    "",
    sliceChips(data, show),
    host,
  );
}

/** Share of the prompt tokens found in cache, with the bound that no router can exceed. */
export function hitShareChart(data: ReportData, slice: number): ChartSpec {
  const pooled = pooledBounds(data);
  return sweepChart(data, slice, {
    title: axisTitle(data, "Cache hit share"),
    what:
      "prompt tokens found in cache; ideal: the best any router could reach" +
      (pooled.length === 0
        ? ""
        : "; LRU and MIN: one cache as large as all workers' together, with LRU and with the best replacement"),
    label: "Hit share (%)",
    percent: true,
    of: (summary) => summary.cache.cachedShare,
    bounds: [{ label: "ideal", of: (summary) => summary.cache.idealShare }, ...pooled],
  });
}

/** With more cache sizes the bounds would cover the arms. */
const MAX_POOLS = 2;

/** Bounds for each total capacity of an arm's workers. */
function pooledBounds(data: ReportData): Bound[] {
  const pools = [
    ...new Set(data.cells.flatMap(({ summary }) => summary.cache.pooled?.blocks ?? [])),
  ];
  if (pools.length > MAX_POOLS) return [];
  return pools.flatMap((blocks): Bound[] => {
    const of = (share: "minShare" | "lruShare") => (summary: CellSummary) =>
      summary.cache.pooled?.blocks === blocks ? summary.cache.pooled[share] : undefined;
    const size = pools.length === 1 ? "" : `, ${blocks.toLocaleString("en-US")} blocks`;
    return [
      { label: `MIN${size}`, of: of("minShare") },
      { label: `LRU${size}`, of: of("lruShare") },
    ];
  });
}

/** Chooses the swept parameters that are not on the axis; nothing when there is only one. */
export function sliceChips(
  data: ReportData,
  choose: (slice: number) => void,
): HTMLElement | undefined {
  const { slices } = data.sweep;
  return chooser(
    slices.map(({ label }) => label),
    { label: "Shown at", chosen: 0, choose },
  );
}

interface SweepText {
  title: string;
  what: string;
  label: string;
  percent?: boolean;
  of(summary: CellSummary): number | undefined;
  bounds?: readonly Bound[];
}

interface Bound {
  label: string;
  of(summary: CellSummary): number | undefined;
}

function sweepChart(data: ReportData, slice: number, text: SweepText): ChartSpec {
  const { axis } = data.sweep;
  const repeats = Math.max(...data.cells.map(({ summary }) => summary.repeat + 1), 1);
  const shared = {
    title: text.title,
    subtitle: `${text.what}${repeatNote(repeats, axis !== undefined)}`,
    ...(text.percent && { percent: true }),
  };
  const lines: TrendLine[] = [
    ...data.arms.map((label, arm) => ({
      label,
      arm,
      repeats: valuesAlongAxis(data, { slice, arm, of: text.of }),
    })),
    ...(text.bounds ?? []).map(({ label, of }) => ({
      label,
      arm: undefined,
      repeats: valuesAlongAxis(data, { slice, arm: undefined, of }),
    })),
  ];
  const known = lines.filter((line) => line.repeats.some((values) => values.length > 0));
  if (axis) return trendChart(known, axis, { ...shared, yLabel: text.label });
  const bars = known.map(({ label, arm, repeats: values }) => ({
    label,
    arm,
    repeats: values[0]!,
  }));
  return barChart(bars, { ...shared, xLabel: text.label });
}

function valuesAlongAxis(
  data: ReportData,
  want: { slice: number; arm: number | undefined; of: SweepText["of"] },
): number[][] {
  const columns: number[][] = (data.sweep.axis?.values ?? [0]).map(() => []);
  for (const cell of data.cells) {
    const point = data.sweep.points[cell.point]!;
    if (point.slice !== want.slice || (want.arm !== undefined && cell.arm !== want.arm)) continue;
    const value = want.of(cell.summary);
    if (value !== undefined && Number.isFinite(value)) columns[point.x]!.push(value);
  }
  return columns;
}

function axisTitle(data: ReportData, measure: string): string {
  const { axis } = data.sweep;
  if (!axis) return measure;
  return `${measure} over ${lowered(axis.label)}`;
}

/** A label inside a sentence: without its unit, and an abbreviation as it is. */
export function lowered(label: string): string {
  const name = label.replace(/ \(.*/, "");
  return /^[A-Z]{2}/.test(name) ? name : name.toLowerCase();
}

function repeatNote(repeats: number, swept: boolean): string {
  if (repeats < 2) return "";
  return swept
    ? `; band: lowest to highest of ${repeats} repeats`
    : `; line: range of ${repeats} repeats`;
}
