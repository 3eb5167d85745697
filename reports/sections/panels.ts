/** The two panels people know from router benchmarks: mean TTFT and output throughput over the sweep. */
import { barChart } from "../charts/bars.ts";
import type { ChartSpec } from "../charts/chart.ts";
import { trendChart, type TrendLine } from "../charts/trend.ts";
import type { CellSummary } from "../../core/metrics/result.ts";
import type { ReportData } from "../data.ts";
import { chips, h, section } from "../dom.ts";
import { meanOf } from "../measures.ts";
import type { Page } from "../page.ts";

export function panelsSection(page: Page): HTMLElement {
  const { data } = page;
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

/** Part of the prompt tokens found in cache, with the bound that no router can pass. */
export function hitShareChart(data: ReportData, slice: number): ChartSpec {
  return sweepChart(data, slice, {
    title: axisTitle(data, "Cache hit share"),
    what: "prompt tokens found in cache; ideal: the best any router could reach",
    label: "Hit share (%)",
    percent: true,
    of: (summary) => summary.cache.cachedShare,
    bound: { label: "ideal", of: (summary) => summary.cache.idealShare },
  });
}

/** Choice of the swept parameters that are not on the axis; nothing when there is but one. */
export function sliceChips(
  data: ReportData,
  choose: (slice: number) => void,
): HTMLElement | undefined {
  const { slices } = data.sweep;
  if (slices.length < 2) return undefined;
  return chips(
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
  bound?: { label: string; of(summary: CellSummary): number | undefined };
}

function sweepChart(data: ReportData, slice: number, text: SweepText): ChartSpec {
  const { axis } = data.sweep;
  const repeats = Math.max(...data.cells.map(({ summary }) => summary.repeat + 1), 1);
  const shared = {
    title: text.title,
    subtitle: `${text.what}${repeatNote(repeats, axis !== undefined)}`,
    ...(text.percent && { percent: true }),
  };
  const arms: (number | undefined)[] = data.arms.map((_, arm) => arm);
  if (text.bound) arms.push(undefined);
  const lines: TrendLine[] = arms.map((arm) => ({
    label: arm === undefined ? text.bound!.label : data.arms[arm]!,
    arm,
    repeats: valuesAlongAxis(data, {
      slice,
      arm,
      of: arm === undefined ? text.bound!.of : text.of,
    }),
  }));
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
  const name = axis.label.replace(/ \(.*/, "");
  return `${measure} over ${/^[A-Z]{2}/.test(name) ? name : name.toLowerCase()}`;
}

function repeatNote(repeats: number, swept: boolean): string {
  if (repeats < 2) return "";
  return swept
    ? `; band: lowest to highest of ${repeats} repeats`
    : `; line: range of ${repeats} repeats`;
}
