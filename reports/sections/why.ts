/** Why arms differ: the share of the prompts found in cache, where the rest was lost, and the cost of it. */
import { ladderChart } from "../charts/ladder.ts";
import { lineChart } from "../charts/lines.ts";
import { scatterChart } from "../charts/scatter.ts";
import type { ChartSpec } from "../charts/chart-spec.ts";
import type { ReportData } from "../data/data.ts";
import { groupsAt, where } from "./at-point.ts";
import { hitShareChart } from "./panels.ts";

export function whyCharts(data: ReportData, point: number): ChartSpec[] {
  return [
    hitShareChart(data, data.sweep.points[point]?.slice ?? 0),
    lossChart(data, point),
    uncachedChart(data, point),
    hitsOverTime(data, point),
  ];
}

function lossChart(data: ReportData, point: number): ChartSpec {
  const rows = groupsAt(data, point).flatMap(({ arm, ladder }) =>
    ladder === undefined ? [] : [{ label: data.arms[arm]!, arm, ladder }],
  );
  return ladderChart(rows, {
    title: "Where possible hits were lost",
    subtitle: `each bar ends at the share that any router could have found in cache${where(data, point)}; full colour: found, paler: lost`,
  });
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
      subtitle: `one mark per request${where(data, point)}; the lower edge is a request's own prefill, height above it is waiting for others`,
      xLabel: "Uncached prompt tokens",
      yLabel: "TTFT (ms)",
    },
  );
}

function hitsOverTime(data: ReportData, point: number): ChartSpec {
  return lineChart(
    groupsAt(data, point).map(({ arm, overTime }) => ({
      label: data.arms[arm]!,
      arm,
      endS: overTime.endS,
      values: overTime.hitShare,
    })),
    {
      title: "Hit share over time",
      subtitle: `of the prompt tokens sent in each slice of time${where(data, point)}; it climbs while caches fill and falls when they overflow`,
      xLabel: "Time since the start of the load (s)",
      yLabel: "Hit share (%)",
      percent: true,
    },
  );
}
