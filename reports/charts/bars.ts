/** One bar per arm with its figure at the end: what a panel shows when nothing was swept. */
import { formatNumber } from "../../core/metrics/summary/format.ts";
import { armColour } from "../drawing/theme.ts";
import { measureLabel, px, setFont } from "./axes.ts";
import type { ChartSpec } from "./chart-spec.ts";
import { rowsHeight, rowsPlot } from "./rows.ts";

export interface Bar {
  label: string;
  /** Colour; undefined: a bound, drawn grey. */
  arm: number | undefined;
  /** The figure of each repeat. */
  repeats: number[];
  /** Drawn instead of the range of the repeats. */
  interval?: readonly [low: number, high: number];
}

export function barChart(
  bars: readonly Bar[],
  text: { title: string; subtitle: string; xLabel: string; percent?: boolean },
): ChartSpec {
  const factor = text.percent ? 100 : 1;
  const known = bars
    .filter(({ repeats }) => repeats.length > 0)
    .map((bar) => ({
      ...bar,
      repeats: bar.repeats.map((value) => value * factor),
      range: (bar.interval ?? bar.repeats).map((value) => value * factor),
    }));
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: rowsHeight(known.length, known.length > MANY_BARS ? 32 : 48),
    legend: [],
    empty: "The engine does not report this figure.",
    plot: (theme) => {
      if (known.length === 0) return undefined;
      const most = Math.max(...known.flatMap(({ repeats, range }) => [...repeats, ...range]));
      const widest = Math.max(
        ...known.map(({ repeats }) => measureLabel(formatNumber(average(repeats)))),
      );
      return rowsPlot(
        known.map(({ label }) => label),
        theme,
        {
          xLabel: text.xLabel,
          xRange: [0, most > 0 ? most * 1.02 : 1],
          right: widest + 18,
          grid: true,
          draw: (plot, rowAt) => {
            known.forEach((bar, row) => {
              const { top, height } = rowAt(row);
              const left = plot.valToPos(0, "x", true);
              const end = plot.valToPos(average(bar.repeats), "x", true);
              const colour = bar.arm === undefined ? theme.muted : armColour(theme, bar.arm);
              plot.ctx.fillStyle = colour;
              plot.ctx.globalAlpha = bar.arm === undefined ? 0.5 : 0.9;
              plot.ctx.fillRect(left, top + height * 0.2, end - left, height * 0.6);
              plot.ctx.globalAlpha = 1;
              const [low, high] = [Math.min(...bar.range), Math.max(...bar.range)].map((value) =>
                plot.valToPos(value, "x", true),
              );
              plot.ctx.fillStyle = theme.ink;
              if (high! > low!)
                plot.ctx.fillRect(low!, top + height / 2 - px(0.75), high! - low!, px(1.5));
              setFont(plot.ctx, 12, 600);
              plot.ctx.textBaseline = "middle";
              plot.ctx.textAlign = "left";
              plot.ctx.fillText(
                formatNumber(average(bar.repeats)),
                Math.max(end, high!) + px(7),
                top + height / 2,
              );
            });
          },
        },
      );
    },
  };
}

const MANY_BARS = 8;

function average(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
