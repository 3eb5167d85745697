/** A quantity over time, one line per arm: growth, steps and warm-up show as they are. */
import uPlot from "uplot";
import { formatNumber } from "../../core/metrics/summary/format.ts";
import { armColour, type Theme } from "../drawing/theme.ts";
import { fromZero, xAxis, yAxis } from "./axes.ts";
import { armLegend, type ChartSpec } from "./chart-spec.ts";
import { tooltip } from "./tooltip.ts";

export interface TimeLine {
  label: string;
  arm: number;
  /** Values at the middle of equal bins from 0 to `endS`; null where there is none. */
  endS: number;
  values: readonly (number | null)[];
}

export function lineChart(
  lines: readonly TimeLine[],
  text: { title: string; subtitle: string; xLabel: string; yLabel: string; percent?: boolean },
): ChartSpec {
  const factor = text.percent ? 100 : 1;
  const known = lines.filter(({ endS, values }) => endS > 0 && values.some((v) => v !== null));
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: 240,
    legend: armLegend(known),
    empty: "The records do not contain this figure.",
    plot: (theme) => {
      if (known.length === 0) return undefined;
      const endS = Math.max(...known.map((line) => line.endS));
      const most = Math.max(...known.flatMap(({ values }) => values.map((v) => (v ?? 0) * factor)));
      return {
        data: uPlot.join(known.map((line) => pointsOf(line, factor))),
        options: {
          padding: [10, 16, 0, 0],
          scales: {
            x: { time: false, range: () => [0, endS] },
            y: {
              range: () => (text.percent ? [0, Math.min(100, most * 1.15 || 1)] : fromZero(most)),
            },
          },
          axes: [xAxis(theme, text.xLabel), yAxis(theme, text.yLabel)],
          series: [{}, ...known.map(({ arm }) => seriesOf(arm, theme))],
          cursor: { points: { show: false }, drag: { x: false, y: false } },
          plugins: [
            tooltip(
              (plot, index) => `${formatNumber(plot.data[0][index]!)} s`,
              (plot, index) =>
                known.flatMap(({ label, arm }, i) => {
                  const value = plot.data[i + 1]![index];
                  if (value === null || value === undefined) return [];
                  const shown = `${formatNumber(value)}${text.percent ? " %" : ""}`;
                  return [{ label, colour: armColour(theme, arm), value: shown }];
                }),
            ),
          ],
        },
      };
    },
  };
}

function pointsOf({ endS, values }: TimeLine, factor: number): [number[], (number | null)[]] {
  const width = endS / values.length;
  return [
    values.map((_, bin) => (bin + 0.5) * width),
    values.map((value) => (value === null ? null : value * factor)),
  ];
}

function seriesOf(arm: number, theme: Theme): uPlot.Series {
  return {
    stroke: armColour(theme, arm),
    width: 2,
    points: { show: false },
    spanGaps: true,
  };
}
