/**
 * Which share of the prompt tokens a cache of so many blocks serves: LRU, the most that any
 * replacement could (MIN), and one without a bound.
 */
import uPlot from "uplot";
import type { CachePoint } from "../../core/trace/analysis/analysis.ts";
import { formatNumber, formatTokens } from "../data/format.ts";
import { armColour, type Theme } from "../drawing/theme.ts";
import { logTicks, xAxis, yAxis } from "./axes.ts";
import type { ChartSpec } from "./chart-spec.ts";
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
    /** Share that a cache without a bound serves. */
    unbounded: number;
  },
): ChartSpec {
  const blocks = points.map((point) => point.blocks);
  const lru = points.map(({ lruShare }) => lruShare * 100);
  const min = points.map(({ minShare }) => minShare * 100);
  const bound = points.map(() => unbounded * 100);
  const lines: { label: string; colour: (theme: Theme) => string; values: number[] }[] = [
    { label: "LRU", colour: (theme) => armColour(theme, LRU), values: lru },
    { label: "MIN (Belady)", colour: (theme) => armColour(theme, MIN), values: min },
    { label: "without a bound", colour: (theme) => theme.muted, values: bound },
  ];
  return {
    ...text,
    height: 280,
    legend: lines.map(({ label, colour }, i) => ({ label, colour, dashed: i === 2 })),
    plot: (theme) => ({
      data: [blocks, ...lines.map(({ values }) => values)] as uPlot.AlignedData,
      options: {
        padding: [10, 16, 0, 0],
        scales: {
          x: {
            time: false,
            distr: 3,
            range: () => [blocks[0]!, Math.max(blocks.at(-1)!, blocks[0]! * 2)],
          },
          y: { range: () => [0, Math.min(100, unbounded * 115 || 1)] },
        },
        axes: [
          xAxis(theme, `Blocks of ${blockSize} tokens in cache`, {
            ...logTicks({ from: blocks[0]!, to: Math.max(blocks.at(-1)!, blocks[0]! * 2) }),
          }),
          yAxis(theme, "Prompt tokens served (%)"),
        ],
        series: [
          {},
          ...lines.map(({ colour }, i) => ({
            stroke: colour(theme),
            width: i === 2 ? 1.5 : 2.25,
            points: { show: i !== 2, size: 6, fill: colour(theme) },
            ...(i === 2 ? { dash: [5, 4] } : {}),
          })),
        ],
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
