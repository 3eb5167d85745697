/** Sections that show one setting at a time: why, latencies, and where and when requests went. */
import type { ChartSpec } from "../charts/chart-spec.ts";
import { ecdfChart } from "../charts/ecdf.ts";
import type { ReportData } from "../data/data.ts";
import { chooser, h, section } from "../drawing/dom.ts";
import { groupsAt, where } from "./at-point.ts";
import type { Page } from "./standing.ts";
import { heatMaps, timeCharts } from "./over-time.ts";
import { shareCharts } from "./shares.ts";
import { hasTiers, tierCharts, tierTable } from "./tiers.ts";
import { whyCharts } from "./why.ts";

export function detailSections(page: Page): HTMLElement[] {
  const { data } = page;
  const pair = (): HTMLElement => h("div", { class: "pair" });
  const [why, latency, shares, lines, maps] = [pair(), pair(), pair(), pair(), pair()];
  const tiers = hasTiers(data) ? { charts: pair(), table: h("div", {}) } : undefined;
  let repeat = 0;
  let point = data.headline.point ?? data.groups.at(-1)?.point ?? 0;
  const showMaps = (): void => page.swap(maps, heatMaps(data, point, repeat));
  const show = (): void => {
    const draw: [HTMLElement, ChartSpec[]][] = [
      [why, whyCharts(data, point)],
      [latency, latencyCharts(data, point)],
      [shares, shareCharts(data, point)],
      [lines, timeCharts(data, point)],
    ];
    if (tiers !== undefined) {
      draw.push([tiers.charts, tierCharts(data, point)]);
      tiers.table.replaceChildren(tierTable(data, point));
    }
    for (const [host, specs] of draw) page.swap(host, specs);
    showMaps();
  };
  show();
  const repeatChips = chipsOfRepeats(data, (chosen) => {
    repeat = chosen;
    showMaps();
  });
  return [
    pointBar(data, point, (chosen) => {
      point = chosen;
      show();
    }),
    section("why", "Why: what was found in cache", sampleNote(data), why),
    section(
      "latency",
      "Latency distributions",
      "All completed measured requests; marks are medians.",
      latency,
    ),
    tiers &&
      section(
        "tiers",
        "Tiers",
        "Each request was drawn into a tier; Jain's index is 1 where all tiers have the same mean TTFT.",
        tiers.charts,
        tiers.table,
      ),
    section(
      "workers",
      "Where requests went",
      "Each bar is the total, divided among the workers in order of their number; ticks show where equal shares would end.",
      shares,
    ),
    section(
      "in-flight",
      "Load over time",
      "A system that keeps up has as many open requests at the end as in the middle; where the lines climb to the end, latencies measure the length of the run, not the router.",
      lines,
      repeatChips,
      maps,
    ),
  ].filter((element) => element !== undefined);
}

/** Distributions of the latencies that a user notices. */
function latencyCharts(data: ReportData, point: number): ChartSpec[] {
  const chart = (key: "ttftMs" | "e2eMs", title: string, xLabel: string): ChartSpec =>
    ecdfChart(
      groupsAt(data, point).map((group) => ({
        label: data.arms[group.arm]!,
        arm: group.arm,
        distribution: group[key],
      })),
      {
        title,
        subtitle: `share of requests that took at most this time${where(data, point)}; further left is better`,
        xLabel,
      },
    );
  return [
    chart("ttftMs", "Time to first token", "TTFT (ms)"),
    chart("e2eMs", "End-to-end latency", "E2E (ms)"),
  ];
}

/** Chooses the repeat that heat maps show; nothing with a single repeat. */
function chipsOfRepeats(
  data: ReportData,
  choose: (repeat: number) => void,
): HTMLElement | undefined {
  const mapped = data.cells.filter(({ inFlight }) => inFlight.workers.length > 0);
  const repeats = [...new Set(mapped.map(({ summary }) => summary.repeat))].sort((a, b) => a - b);
  return chooser(
    repeats.map((k) => String(k + 1)),
    { label: "Repeat", chosen: 0, choose: (index) => choose(repeats[index]!) },
  );
}

/** Chooses the setting; stays visible above the charts that it changes. */
function pointBar(
  data: ReportData,
  chosen: number,
  choose: (point: number) => void,
): HTMLElement | undefined {
  const { points, axis, slices } = data.sweep;
  if (points.length < 2) return undefined;
  // With a single swept parameter its name is shown once.
  const short = axis !== undefined && slices.length < 2;
  const detailed = [...new Set(data.groups.map((group) => group.point))].sort((a, b) => a - b);
  const labels = detailed.map((point) => {
    const { label, x } = points[point]!;
    return short ? String(axis.values[x]) : label;
  });
  const label = short
    ? `Details at ${axis.label.replace(/ \(.*/, "").toLowerCase()}`
    : "Details at";
  const bar = chooser(labels, {
    label,
    chosen: detailed.indexOf(chosen),
    choose: (index) => choose(detailed[index]!),
  });
  return bar && h("nav", { class: "points" }, bar);
}

function sampleNote(data: ReportData): string {
  const { drawn, of } = data.scatter;
  return drawn < of
    ? `The scatter shows ${drawn.toLocaleString("en-US")} of ${of.toLocaleString("en-US")} requests, taken at even steps.`
    : "";
}
