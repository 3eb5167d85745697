/** What is shown for one setting at a time: why, latencies, and where requests went. */
import { ecdfChart } from "../charts/ecdf.ts";
import { heatMapChart } from "../charts/heat-map.ts";
import { scatterChart } from "../charts/scatter.ts";
import { sharesChart, type ShareRow } from "../charts/shares.ts";
import type { ChartSpec } from "../charts/chart.ts";
import type { WorkerShare } from "../../core/metrics/result.ts";
import type { ReportData, ReportGroup } from "../data.ts";
import { chips, h, section } from "../dom.ts";
import type { Page } from "../page.ts";
import { hitShareChart } from "./panels.ts";

export function detailSections(page: Page): HTMLElement[] {
  const { data } = page;
  const why = h("div", { class: "pair" });
  const latency = h("div", { class: "pair" });
  const shares = h("div", { class: "pair" });
  const maps = h("div", { class: "pair" });
  let repeat = 0;
  let point = data.headline.point ?? data.sweep.points.length - 1;
  const showMaps = (): void => page.swap(maps, heatMaps(data, point, repeat));
  const show = (): void => {
    page.swap(why, [
      hitShareChart(data, data.sweep.points[point]?.slice ?? 0),
      uncachedChart(data, point),
    ]);
    page.swap(latency, latencyCharts(data, point));
    page.swap(shares, shareCharts(data, point));
    showMaps();
  };
  show();
  const repeats = [...new Set(data.cells.map(({ summary }) => summary.repeat))].sort(
    (a, b) => a - b,
  );
  return [
    pointBar(data, point, (chosen) => {
      point = chosen;
      show();
    }),
    section("why", "Why: what was found in cache", sampleNote(data), why),
    section(
      "latency",
      "Latency distributions",
      "Every measured request that was answered; marks are medians.",
      latency,
    ),
    section(
      "workers",
      "Where requests went",
      "Shares per worker in order of their number; ticks show even shares.",
      shares,
    ),
    section(
      "in-flight",
      "Requests in flight over time",
      "One row per worker, one colour scale for all arms.",
      repeats.length > 1 &&
        chips(
          repeats.map((k) => String(k + 1)),
          {
            label: "Repeat",
            chosen: 0,
            choose: (index) => {
              repeat = repeats[index]!;
              showMaps();
            },
          },
        ),
      maps,
    ),
  ].filter((element) => element !== undefined);
}

/** Stays in sight while the charts below it are read. */
function pointBar(
  data: ReportData,
  chosen: number,
  choose: (point: number) => void,
): HTMLElement | undefined {
  const { points, axis, slices } = data.sweep;
  if (points.length < 2) return undefined;
  // One swept parameter needs its name but once.
  const short = axis !== undefined && slices.length < 2;
  const labels = points.map(({ label, x }) => (short ? String(axis.values[x]) : label));
  const label = short
    ? `Details at ${axis.label.replace(/ \(.*/, "").toLowerCase()}`
    : "Details at";
  return h("nav", { class: "points" }, chips(labels, { label, chosen, choose }));
}

function groupsAt(data: ReportData, point: number): ReportGroup[] {
  return data.groups.filter((group) => group.point === point).sort((a, b) => a.arm - b.arm);
}

/** `at prefix ratio 0.5`, or nothing. */
function where(data: ReportData, point: number): string {
  const label = data.sweep.points[point]?.label ?? "";
  return label === "" ? "" : ` at ${label}`;
}

function sampleNote(data: ReportData): string {
  const { drawn, of } = data.scatter;
  return drawn < of
    ? `The scatter shows ${drawn.toLocaleString("en-US")} of ${of.toLocaleString("en-US")} requests, taken at even steps.`
    : "";
}

function uncachedChart(data: ReportData, point: number): ChartSpec {
  return scatterChart(
    groupsAt(data, point).map(({ arm, scatter }) => ({
      label: data.arms[arm]!,
      arm,
      x: scatter.uncachedTokens,
      y: scatter.ttftMs,
    })),
    {
      title: "TTFT against uncached tokens",
      subtitle: `one mark per request${where(data, point)}`,
      xLabel: "Uncached prompt tokens",
      yLabel: "TTFT (ms)",
    },
  );
}

function latencyCharts(data: ReportData, point: number): ChartSpec[] {
  const chart = (key: "ttftMs" | "e2eMs", title: string, xLabel: string): ChartSpec =>
    ecdfChart(
      groupsAt(data, point).map((group) => ({
        label: data.arms[group.arm]!,
        arm: group.arm,
        distribution: group[key],
      })),
      { title, subtitle: `share of requests at or below a value${where(data, point)}`, xLabel },
    );
  return [
    chart("ttftMs", "Time to first token", "TTFT (ms)"),
    chart("e2eMs", "End-to-end latency", "E2E (ms)"),
  ];
}

function shareCharts(data: ReportData, point: number): ChartSpec[] {
  const chart = (
    title: string,
    xLabel: string,
    amount: (share: WorkerShare) => number,
  ): ChartSpec =>
    sharesChart(shareRows(data, point, amount), {
      title,
      subtitle: `per worker${where(data, point)}`,
      xLabel,
    });
  return [
    chart("Share of requests", "Requests (%)", (share) => share.requests),
    chart(
      "Share of uncached tokens",
      "Uncached prompt tokens (%)",
      (share) => share.promptTokens - share.cachedTokens,
    ),
  ];
}

/** Summed over the repeats. */
function shareRows(
  data: ReportData,
  point: number,
  amount: (share: WorkerShare) => number,
): ShareRow[] {
  return data.arms.map((label, arm) => {
    const totals = new Map<string, number>();
    for (const cell of data.cells) {
      if (cell.arm !== arm || cell.point !== point) continue;
      for (const share of cell.summary.workers) {
        totals.set(share.id, (totals.get(share.id) ?? 0) + amount(share));
      }
    }
    return { label, arm, parts: [...totals].map(([id, total]) => ({ id, amount: total })) };
  });
}

function heatMaps(data: ReportData, point: number, repeat: number): ChartSpec[] {
  const cells = data.cells.filter((cell) => cell.point === point && cell.summary.repeat === repeat);
  const counts = cells.flatMap(({ inFlight }) => inFlight.workers.flatMap(({ count }) => count));
  const most = Math.max(
    1,
    counts.reduce((a, b) => Math.max(a, b), 0),
  );
  return cells.map(({ arm, inFlight, summary }) =>
    heatMapChart(
      { arm, ...inFlight, most },
      {
        title: `In flight per worker: ${data.arms[arm]}`,
        subtitle: `requests sent and not ended${where(data, point)}, repeat ${summary.repeat + 1}`,
      },
    ),
  );
}
