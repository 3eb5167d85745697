/** The tiers of the load on each arm: a chart of means with intervals, and a table of the other figures. */
import { meanFairness, tierRows, type TierRow } from "../../core/metrics/summary/tier-rows.ts";
import { barChart, type Bar } from "../charts/bars.ts";
import type { ChartSpec } from "../charts/chart-spec.ts";
import type { ReportData } from "../data/data.ts";
import { groupedTable, h } from "../drawing/dom.ts";
import { formatNumber, formatShare } from "../../core/metrics/summary/format.ts";
import { where } from "./at-point.ts";

export function hasTiers(data: ReportData): boolean {
  return data.cells.some(({ summary }) => summary.tiers !== undefined);
}

export function tierCharts(data: ReportData, point: number): ChartSpec[] {
  const groups = tiersAt(data, point);
  const chart = (of: "ttftMs" | "e2eMs", title: string): ChartSpec =>
    barChart(
      groups.flatMap(({ arm, label, rows }) =>
        rows.flatMap((row): Bar[] => {
          const figure = row[of];
          if (figure === undefined) return [];
          const { value, low, high } = figure;
          return [
            {
              label: groups.length === 1 ? row.name : `${label} ${row.name}`,
              arm,
              repeats: [value],
              ...(low === undefined || high === undefined ? {} : { interval: [low, high] }),
            },
          ];
        }),
      ),
      {
        title,
        subtitle: `mean over the requests of a tier${where(data, point)}; line: ${intervalText(data)}`,
        xLabel: `${title} (ms)`,
      },
    );
  return [chart("ttftMs", "TTFT by tier"), chart("e2eMs", "E2E by tier")];
}

export function tierTable(data: ReportData, point: number): HTMLElement {
  const groups = tiersAt(data, point);
  const all = groups.flatMap(({ rows }) => rows);
  const hasSlo = all.some(({ sloShare }) => sloShare !== undefined);
  const figure = (value: number | undefined): string =>
    value === undefined ? "–" : formatNumber(value);
  const share = (value: number | undefined): string =>
    value === undefined ? "–" : formatShare(value);
  const body = groupedTable(
    [
      "Tier",
      "Requests",
      "Failed",
      "TTFT mean (ms)",
      "p99",
      "E2E mean (ms)",
      ...(hasSlo ? ["SLO kept"] : []),
      "Hit share",
      "Tokens/s of a request",
    ],
    groups.map(({ label, note, rows }) => ({
      title: label,
      note,
      rows: rows.map((row) => [
        row.priority === undefined ? row.name : `${row.name} (priority ${row.priority})`,
        row.requests.ok.toLocaleString("en-US"),
        row.requests.failed.toLocaleString("en-US"),
        withInterval(row.ttftMs),
        figure(row.ttftP99Ms),
        withInterval(row.e2eMs),
        ...(hasSlo ? [share(row.sloShare)] : []),
        share(row.cachedShare),
        figure(row.tokensPerS),
      ]),
    })),
  );
  body.classList.add("comparison");
  return body;
}

function withInterval(figure: TierRow["ttftMs"]): HTMLElement | string {
  if (figure === undefined) return "–";
  const { value, low, high } = figure;
  if (low === undefined || high === undefined) return formatNumber(value);
  const range = `${formatNumber(low)}–${formatNumber(high)}`;
  return h("span", { class: "beside" }, formatNumber(value), h("small", {}, range));
}

function intervalText(data: ReportData): string {
  const repeats = Math.max(...data.cells.map(({ summary }) => summary.repeat + 1), 1);
  if (repeats === 2) return "none, two repeats are too few";
  return repeats > 2
    ? `95 % interval over ${repeats} repeats`
    : "95 % interval, bootstrap over the requests of this run only";
}

interface TierGroup {
  arm: number;
  label: string;
  /** How evenly the tiers were served. */
  note: string;
  rows: TierRow[];
}

function tiersAt(data: ReportData, point: number): TierGroup[] {
  return data.arms.flatMap((label, arm): TierGroup[] => {
    const repeats = data.cells
      .filter((cell) => cell.arm === arm && cell.point === point)
      .map(({ summary }) => summary);
    const rows = tierRows(repeats);
    if (rows.length === 0) return [];
    const fairness = meanFairness(repeats);
    const note =
      fairness === undefined
        ? ""
        : `mean TTFT max/min ${fairness.maxOverMin.toFixed(2)}, Jain's index ${fairness.jain.toFixed(3)}`;
    return [{ arm, label, note, rows }];
  });
}
