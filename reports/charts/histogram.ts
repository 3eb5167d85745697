/** Frequency of lengths, in bins on a logarithmic axis. */
import uPlot from "uplot";
import type { LengthHistogram } from "../../core/trace/analysis/length-histogram.ts";
import { formatNumber } from "../../core/metrics/summary/format.ts";
import { armColour } from "../drawing/theme.ts";
import { fromZero, logTicks, xAxis, yAxis } from "./axes.ts";
import type { ChartSpec } from "./chart-spec.ts";
import { tooltip } from "./tooltip.ts";

export function histogramChart(
  { edges, rows }: LengthHistogram,
  text: { title: string; subtitle: string; xLabel: string; yLabel: string },
): ChartSpec {
  const [from, to] = [edges[0]!, edges.at(-1)!];
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: 240,
    legend: [],
    plot: (theme) => ({
      // A step begins at its bin's start; the last one is drawn to the end of its bin.
      data: [[...edges], [...rows, rows.at(-1)!]],
      options: {
        padding: [10, 16, 0, 0],
        scales: {
          x: { time: false, distr: 3, range: () => [from, to] },
          y: { range: () => fromZero(Math.max(...rows)) },
        },
        axes: [xAxis(theme, text.xLabel, logTicks({ from, to })), yAxis(theme, text.yLabel)],
        series: [
          {},
          {
            stroke: armColour(theme, HISTOGRAM_COLOUR),
            fill: `${armColour(theme, HISTOGRAM_COLOUR)}59`,
            width: 1.5,
            points: { show: false },
            paths: uPlot.paths.stepped!({ align: 1 }),
          },
        ],
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        plugins: [
          tooltip(
            (_, index) => {
              const bin = Math.min(index, rows.length - 1);
              const most = edges[bin + 1]! - 1;
              const least = edges[bin]!;
              return `${formatNumber(least)}${most > least ? ` to ${formatNumber(most)}` : ""} tokens`;
            },
            (_, index) => [
              {
                label: text.yLabel,
                colour: armColour(theme, HISTOGRAM_COLOUR),
                value: rows[Math.min(index, rows.length - 1)]!.toLocaleString("en-US"),
              },
            ],
          ),
        ],
      },
    }),
  };
}

const HISTOGRAM_COLOUR = 1;
