/**
 * The share of the prompt tokens that a cache serves, over its size in blocks: with LRU, with the best
 * possible replacement (MIN), and without a bound.
 */
import uPlot from "uplot";
import type { CachePoint } from "../../core/trace/analysis/analysis.ts";
import { formatNumber, formatTokens } from "../../core/metrics/summary/format.ts";
import { armColour, type Theme } from "../drawing/theme.ts";
import { logTicks, xAxis, yAxis } from "./axes.ts";
import type { ChartSpec, LegendItem } from "./chart-spec.ts";
import { tooltip } from "./tooltip.ts";

const LRU = 0;
const MIN = 1;

export function cacheCurvesChart(
  points: readonly CachePoint[],
  {
    blockSize,
    unbounded,
    ...text
  }: {
    title: string;
    subtitle: string;
    blockSize: number;
    /** Share that an unbounded cache serves. */
    unbounded: number;
  },
): ChartSpec {
  const blocks = points.map((point) => point.blocks);
  const range = { from: blocks[0]!, to: Math.max(blocks.at(-1)!, blocks[0]! * 2) };
  const lines = curvesOf(points, unbounded);
  return {
    ...text,
    height: 280,
    legend: lines,
    plot: (theme) => ({
      data: [blocks, ...lines.map(({ values }) => values)] as uPlot.AlignedData,
      options: {
        padding: [10, 16, 0, 0],
        scales: {
          x: {
            time: false,
            distr: 3,
            range: () => [range.from, range.to],
          },
          y: { range: () => [0, Math.min(100, unbounded * 115 || 1)] },
        },
        axes: [
          xAxis(theme, `Blocks of ${blockSize} tokens in cache`, logTicks(range)),
          yAxis(theme, "Prompt tokens served (%)"),
        ],
        series: [{}, ...lines.map((line) => seriesOf(line, theme))],
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        plugins: [
          tooltip(
            (_, index) =>
              `${blocks[index]!.toLocaleString("en-US")} blocks, ${formatTokens(blocks[index]! * blockSize)} tokens`,
            (_, index) =>
              lines.map(({ label, colour, values }) => ({
                label,
                colour: colour(theme),
                value: `${formatNumber(values[index]!)}\u00a0%`,
              })),
          ),
        ],
      },
    }),
  };
}

interface Curve extends LegendItem {
  dashed: boolean;
  /** Percent of the prompt tokens, one value per size. */
  values: number[];
}

function curvesOf(points: readonly CachePoint[], unbounded: number): Curve[] {
  return [
    {
      label: "LRU",
      colour: (theme) => armColour(theme, LRU),
      dashed: false,
      values: points.map(({ lruShare }) => lruShare * 100),
    },
    {
      label: "MIN (Belady)",
      colour: (theme) => armColour(theme, MIN),
      dashed: false,
      values: points.map(({ minShare }) => minShare * 100),
    },
    {
      label: "without a bound",
      colour: (theme) => theme.muted,
      dashed: true,
      values: points.map(() => unbounded * 100),
    },
  ];
}

function seriesOf({ colour, dashed }: Curve, theme: Theme): uPlot.Series {
  const stroke = colour(theme);
  return dashed
    ? { stroke, width: 1.5, dash: [5, 4], points: { show: false } }
    : { stroke, width: 2.25, points: { show: true, size: 6, fill: stroke } };
}
