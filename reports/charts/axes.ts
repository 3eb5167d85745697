/** Axes, scales and text that all charts share: quiet grid, units in labels, figures with separators. */
import uPlot from "uplot";
import { formatNumber } from "../../core/metrics/summary/format.ts";
import { FONT, type Theme } from "../drawing/theme.ts";

/** Font of figures and labels on a canvas, in CSS pixels. */
export const CHART_FONT = `12px ${FONT}`;

export function xAxis(theme: Theme, label: string, more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  return {
    ...base(theme),
    label,
    labelSize: 22,
    labelGap: 2,
    size: 30,
    space: 70,
    grid: { show: false },
    ...more,
  };
}

export function yAxis(theme: Theme, label: string, more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  return { ...base(theme), label, labelSize: 22, labelGap: 4, size: fitValues, space: 42, ...more };
}

function base(theme: Theme): uPlot.Axis {
  return {
    stroke: theme.muted,
    font: CHART_FONT,
    labelFont: CHART_FONT,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { show: false },
    border: { show: false },
    gap: 6,
    values: (_, splits) => splits.map((value) => (value === null ? "" : axisNumber(value))),
  };
}

/** As wide as its longest figure. */
function fitValues(_: uPlot, values: string[] | null): number {
  return Math.max(0, ...(values ?? []).map((value) => measureLabel(value ?? ""))) + 14;
}

function axisNumber(value: number): string {
  return Math.abs(value) >= 1e6
    ? `${formatNumber(value / 1e6)}M`
    : Number(value.toPrecision(6)).toLocaleString("en-US");
}

/** With a larger spread a linear axis would hide most of the values. */
export const LOG_SPREAD = 60;

/** Ticks at 1, 2 and 5 times each power of ten, for a logarithmic axis; labels that would touch are left out. */
export function logTicks(
  range: { from: number; to: number },
  scale: "x" | "y" = "x",
): Partial<uPlot.Axis> {
  const ticks: number[] = [];
  const first = Math.floor(Math.log10(range.from));
  for (let power = first; 10 ** power <= range.to; power += 1) {
    for (const step of [1, 2, 5]) {
      const tick = step * 10 ** power;
      if (tick >= range.from && tick <= range.to) ticks.push(tick);
    }
  }
  return { splits: () => ticks, filter: apart(scale, axisNumber) };
}

/** Leaves out the ticks of an axis whose labels would touch the one before. */
export function apart(scale: "x" | "y", labelOf: (tick: number) => string): uPlot.Axis.Filter {
  return (plot, splits) => {
    let last: { at: number; half: number } | undefined;
    return splits.map((tick) => {
      const half = scale === "x" ? measureLabel(labelOf(tick)) / 2 : LINE_HEIGHT / 2;
      const at = plot.valToPos(tick, scale);
      if (last !== undefined && Math.abs(at - last.at) < half + last.half + 6) return null;
      last = { at, half };
      return tick;
    });
  };
}

const LINE_HEIGHT = 12;

/** From zero to a little above the largest value, so that lengths and heights are proportional. */
export function fromZero(largest: number): uPlot.Range.MinMax {
  return [0, largest > 0 ? largest * 1.08 : 1];
}

/** Pixels of the canvas for a size in CSS pixels. */
export function px(size: number): number {
  return size * uPlot.pxRatio;
}

/** Sets the font of a canvas whose units are device pixels. */
export function setFont(context: CanvasRenderingContext2D, size: number, weight = 400): void {
  context.font = `${weight} ${px(size)}px ${FONT}`;
}

/** Width of a label in CSS pixels, for paddings chosen before there is a plot. */
export function measureLabel(text: string): number {
  const context = document.createElement("canvas").getContext("2d")!;
  context.font = `600 12px ${FONT}`;
  return Math.ceil(context.measureText(text).width);
}

/** Longest name in a chart, in characters. */
export const NAME_LENGTH = 26;
