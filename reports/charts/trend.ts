/**
 * A measure over the swept parameter, one line per arm: mean over the repeats, a band from the
 * lowest to the highest repeat, the arm's name at the end of its line.
 */
import uPlot from "uplot";
import type { Axis } from "../../core/metrics/summary/sweep.ts";
import { formatNumber } from "../../core/metrics/summary/format.ts";
import { armColour, type Theme } from "../drawing/theme.ts";
import { fromZero, measureLabel, px, setFont, shorten, xAxis, yAxis } from "./axes.ts";
import type { ChartSpec } from "./chart-spec.ts";
import { drawMarker } from "./markers.ts";
import { tooltip } from "./tooltip.ts";

export interface TrendLine {
  label: string;
  /** Colour and marker; undefined: a bound, drawn dashed and grey. */
  arm: number | undefined;
  /** Per value of the axis, the figure of each repeat; empty where there is none. */
  repeats: number[][];
}

/** `percent`: figures are shares from 0 to 1 and shown as percent. */
export function trendChart(
  lines: readonly TrendLine[],
  axis: Axis,
  text: { title: string; subtitle: string; yLabel: string; percent?: boolean },
): ChartSpec {
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: 300,
    legend: [],
    plot: (theme) => {
      const factor = text.percent ? 100 : 1;
      const columns = lines.map((line) => summarise(line, factor));
      const most = Math.max(...columns.flatMap(({ high }) => high.map((value) => value ?? 0)));
      const xs = positions(axis);
      const labelWidth = Math.max(...lines.map((line) => measureLabel(shorten(line.label))));
      return {
        data: [
          xs,
          ...columns.flatMap(({ mid, low, high }) => [mid, low, high]),
        ] as uPlot.AlignedData,
        options: {
          padding: [12, labelWidth + 8, 0, 0],
          scales: {
            x: { time: false, range: () => xRange(xs) },
            y: { range: () => (text.percent ? [0, Math.min(100, most * 1.15)] : fromZero(most)) },
          },
          axes: [
            xAxis(theme, axis.label, {
              splits: () => xs,
              values: () => axis.values.map(String),
            }),
            yAxis(theme, text.yLabel),
          ],
          series: [{}, ...lines.flatMap((line) => seriesOf(line, theme))],
          bands: lines.flatMap((line, i) =>
            line.arm === undefined
              ? []
              : [
                  {
                    series: [3 * i + 3, 3 * i + 2] as uPlot.Band.Bounds,
                    fill: `${armColour(theme, line.arm)}2e`,
                  },
                ],
          ),
          cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
          hooks: { draw: [(plot) => drawMarks(plot, lines, theme)] },
          plugins: [
            tooltip(
              (_, index) => `${axis.label.replace(/ \(.*/, "")} ${axis.values[index]}`,
              (_, index) =>
                lines.flatMap((line, i) => tooltipRows(line, columns[i]!, { index, theme })),
            ),
          ],
        },
      };
    },
  };
}

interface Column {
  mid: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
}

function summarise(line: TrendLine, factor: number): Column {
  const over = (pick: (values: number[]) => number) =>
    line.repeats.map((values) => (values.length === 0 ? null : pick(values) * factor));
  return {
    mid: over((values) => values.reduce((a, b) => a + b, 0) / values.length),
    low: over((values) => Math.min(...values)),
    high: over((values) => Math.max(...values)),
  };
}

/** Numbers at their values, or, when they span too much, at equal distances in their order. */
function positions(axis: Axis): number[] {
  const values = axis.values.map(Number);
  const spread = values.at(-1)! / values[0]!;
  const evenly = !axis.numeric || (values[0]! > 0 && spread > 16);
  return evenly ? values.map((_, i) => i) : values;
}

function xRange(xs: readonly number[]): uPlot.Range.MinMax {
  const margin = (xs.at(-1)! - xs[0]!) * 0.04 || 1;
  return [xs[0]! - margin, xs.at(-1)! + margin];
}

function seriesOf(line: TrendLine, theme: Theme): uPlot.Series[] {
  const shared = { points: { show: false }, spanGaps: true };
  if (line.arm === undefined) {
    const bound = { ...shared, stroke: theme.muted, width: 1.5, dash: [5, 4] };
    return [bound, { ...shared, show: false }, { ...shared, show: false }];
  }
  const edge = { ...shared, stroke: "transparent", width: 0 };
  return [{ ...shared, stroke: armColour(theme, line.arm), width: 2.25 }, edge, { ...edge }];
}

function tooltipRows(line: TrendLine, column: Column, at: { index: number; theme: Theme }) {
  const [mid, low, high] = [column.mid, column.low, column.high].map((values) => values[at.index]);
  if (mid === null || mid === undefined) return [];
  const band = low === high ? "" : ` (${formatNumber(low!)}–${formatNumber(high!)})`;
  const colour = line.arm === undefined ? at.theme.muted : armColour(at.theme, line.arm);
  return [{ label: line.label, colour, value: `${formatNumber(mid)}${band}` }];
}

/** Space between two labels at the ends of lines, so that lines with close ends stay readable. */
const LABEL_GAP = 15;

function drawMarks(plot: uPlot, lines: readonly TrendLine[], theme: Theme): void {
  const { ctx } = plot;
  ctx.save();
  const ends: { y: number; label: string; colour: string }[] = [];
  let right = 0;
  lines.forEach((line, i) => {
    const values = plot.data[3 * i + 1]!;
    const colour = line.arm === undefined ? theme.muted : armColour(theme, line.arm);
    ctx.fillStyle = colour;
    let lastY: number | undefined;
    values.forEach((value, index) => {
      if (value === null || value === undefined) return;
      const x = plot.valToPos(plot.data[0][index]!, "x", true);
      lastY = plot.valToPos(value, "y", true);
      right = Math.max(right, x);
      if (line.arm !== undefined) drawMarker(ctx, line.arm, { x, y: lastY, radius: px(4) });
    });
    if (lastY !== undefined) ends.push({ y: lastY, label: shorten(line.label), colour });
  });
  ends.sort((a, b) => a.y - b.y);
  setFont(ctx, 12, 600);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  let free = -Infinity;
  for (const end of ends) {
    const y = Math.max(end.y, free);
    free = y + px(LABEL_GAP);
    ctx.fillStyle = end.colour;
    ctx.fillText(end.label, right + px(10), y);
  }
  ctx.restore();
}
