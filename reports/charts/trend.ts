/**
 * A measure over a swept parameter or an option that arms differ in, one line per arm: mean over the
 * repeats, a band from the lowest to the highest repeat, the arm's name at the end of its line. Lines
 * that are too many to be told apart are drawn pale behind the named ones.
 */
import uPlot from "uplot";
import type { Axis } from "../../core/metrics/summary/sweep.ts";
import { formatNumber } from "../../core/metrics/summary/format.ts";
import { armColour, type Theme } from "../drawing/theme.ts";
import {
  apart,
  fromZero,
  LOG_SPREAD,
  logTicks,
  measureLabel,
  NAME_LENGTH,
  px,
  setFont,
  xAxis,
  yAxis,
} from "./axes.ts";
import { shortNames } from "../../core/base/short-names.ts";
import type { ChartSpec } from "./chart-spec.ts";
import { positions, type PaleLine, type TrendLine } from "../data/trend-lines.ts";
import { drawMarker } from "./markers.ts";
import { tooltip } from "./tooltip.ts";

type TrendAxis = Pick<Axis, "label" | "values" | "numeric">;

interface TrendText {
  title: string;
  subtitle: string;
  yLabel: string;
  /** Figures are shares from 0 to 1 and shown as percent. */
  percent?: boolean;
  behind?: readonly PaleLine[];
  /** The axis spans the figures and does not begin at zero: many lines lie close together. */
  isFitted?: boolean;
}

export function trendChart(
  lines: readonly TrendLine[],
  axis: TrendAxis,
  text: TrendText,
): ChartSpec {
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: 300,
    legend: [],
    plot: (theme) => plotOf(lines, axis, { ...text, theme }),
  };
}

function plotOf(
  lines: readonly TrendLine[],
  axis: TrendAxis,
  { behind = [], ...text }: TrendText & { theme: Theme },
): { options: Partial<uPlot.Options>; data: uPlot.AlignedData } {
  const { theme } = text;
  const factor = text.percent ? 100 : 1;
  const names = shortNames(
    lines.map(({ label }) => label),
    NAME_LENGTH,
  );
  const columns = lines.map((line) => summarise(line, factor));
  const hasBands = !text.isFitted || lines.length <= BANDS;
  const figures = [
    ...columns.flatMap(({ mid, low, high }) => (hasBands ? [...low, ...high] : mid)),
    ...behind.flatMap((line) => line.map(({ y }) => y * factor)),
  ];
  const xs = positions(axis);
  const bands = lines.flatMap((line, i): uPlot.Band[] =>
    line.arm === undefined || !hasBands
      ? []
      : [{ series: [3 * i + 3, 3 * i + 2], fill: `${armColour(theme, line.arm)}2e` }],
  );
  return {
    data: [xs, ...columns.flatMap(({ mid, low, high }) => [mid, low, high])] as uPlot.AlignedData,
    options: {
      padding: [12, Math.max(0, ...names.map(measureLabel)) + 8, 0, 0],
      ...scalesAndAxes(axis, { ...text, xs, figures }),
      series: [{}, ...lines.flatMap((line) => seriesOf(line, theme))],
      bands,
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      hooks: {
        drawAxes: [(plot) => drawPale(plot, behind, { xs, factor, theme })],
        draw: [(plot) => drawMarks(plot, lines, { names, theme })],
      },
      plugins: [
        tooltip(
          (_, index) => `${axis.label.replace(/ \(.*/, "")} ${axis.values[index]}`,
          (_, index) =>
            lines.flatMap((line, i) => tooltipRows(line, columns[i]!, { index, theme })),
        ),
      ],
    },
  };
}

function scalesAndAxes(
  axis: TrendAxis,
  of: TrendText & { theme: Theme; xs: number[]; figures: readonly (number | null)[] },
): Pick<uPlot.Options, "scales" | "axes"> {
  const { theme, xs, yLabel, percent = false } = of;
  const { most, log, range } = yScale(of.figures, of.isFitted === true);
  const nameAt = new Map(xs.map((x, i) => [x, String(axis.values[i])]));
  const nameOf = (x: number): string => nameAt.get(x) ?? "";
  const yTicks = log && !percent ? logTicks({ from: range[0]!, to: range[1]! }, "y") : {};
  return {
    scales: {
      x: { time: false, range: () => xRange(xs) },
      y: percent
        ? { range: () => [0, Math.min(100, most * 1.15)] }
        : { distr: log ? 3 : 1, range: () => range },
    },
    axes: [
      xAxis(theme, axis.label, {
        splits: () => xs,
        values: (_, splits) => splits.map(nameOf),
        filter: apart("x", nameOf),
      }),
      yAxis(theme, yLabel, yTicks),
    ],
  };
}

/** With more lines their bands would cover them. */
const BANDS = 6;

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

function xRange(xs: readonly number[]): uPlot.Range.MinMax {
  const margin = (xs.at(-1)! - xs[0]!) * 0.04 || 1;
  return [xs[0]! - margin, xs.at(-1)! + margin];
}

/** From zero or as wide as the figures; logarithmic where these span decades. */
function yScale(
  all: readonly (number | null)[],
  isFitted: boolean,
): { most: number; log: boolean; range: uPlot.Range.MinMax } {
  const [least, most] = all.reduce<[number, number]>(
    ([low, high], value) =>
      value === null ? [low, high] : [Math.min(low, value), Math.max(high, value)],
    [Infinity, 0],
  );
  const log = least > 0 && most / least > LOG_SPREAD;
  if (log) return { most, log, range: [least / 1.3, most * 1.3] };
  const margin = (most - least) * 0.1 || most * 0.1;
  const isAbove = isFitted && least > 0 && Number.isFinite(least);
  return { most, log, range: isAbove ? [least - margin, most + margin] : fromZero(most) };
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

function drawMarks(
  plot: uPlot,
  lines: readonly TrendLine[],
  { names, theme }: { names: readonly string[]; theme: Theme },
): void {
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
    if (lastY !== undefined) ends.push({ y: lastY, label: names[i]!, colour });
  });
  ends.sort((a, b) => a.y - b.y);
  setFont(ctx, 12, 600);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  spread(ends, plot.bbox).forEach((y, i) => {
    ctx.fillStyle = ends[i]!.colour;
    ctx.fillText(ends[i]!.label, right + px(10), y);
  });
  ctx.restore();
}

/** Heights of the labels, in order: apart from each other, and within the chart where they fit. */
function spread(ends: readonly { y: number }[], box: uPlot.BBox): number[] {
  const gap = px(LABEL_GAP);
  const ys: number[] = [];
  for (const { y } of ends) ys.push(Math.max(y, (ys.at(-1) ?? -Infinity) + gap));
  let lowest = box.top + box.height;
  for (let i = ys.length - 1; i >= 0 && ys[i]! > lowest; i -= 1) {
    ys[i] = lowest;
    lowest -= gap;
  }
  return ys;
}

/** Before the named lines: thin lines with small marks, all of one colour. */
function drawPale(
  plot: uPlot,
  lines: readonly PaleLine[],
  { xs, factor, theme }: { xs: readonly number[]; factor: number; theme: Theme },
): void {
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = theme.muted;
  ctx.lineWidth = px(1);
  for (const line of lines) {
    const points = line.map(({ x, y }) => ({
      x: plot.valToPos(xs[x]!, "x", true),
      y: plot.valToPos(y * factor, "y", true),
    }));
    ctx.globalAlpha = 0.22;
    ctx.beginPath();
    points.forEach(({ x, y }) => ctx.lineTo(x, y));
    ctx.stroke();
    ctx.globalAlpha = 0.45;
    for (const { x, y } of points) {
      ctx.beginPath();
      ctx.arc(x, y, px(2), 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  ctx.restore();
}
