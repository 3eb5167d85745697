/** Requests in flight per worker over a cell's time: shows imbalance, stalls and the tail. */
import type uPlot from "uplot";
import { formatNumber } from "../../core/metrics/summary/format.ts";
import { armColour, mix, type Theme } from "../drawing/theme.ts";
import { px, setFont } from "./axes.ts";
import type { ChartSpec } from "./chart-spec.ts";
import { rowsHeight, rowsPlot } from "./rows.ts";

export interface HeatMap {
  arm: number;
  endS: number;
  workers: { id: string; count: number[] }[];
  /** Count drawn in the full colour: the same for all maps that are compared. */
  most: number;
}

/** Rows get thinner with many workers, so that 64 still fit a screen. */
const ROW_HEIGHT = { few: 22, many: 12 };

export function heatMapChart(map: HeatMap, text: { title: string; subtitle: string }): ChartSpec {
  const rowHeight = map.workers.length > 16 ? ROW_HEIGHT.many : ROW_HEIGHT.few;
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: rowsHeight(map.workers.length, rowHeight),
    legend: [],
    empty: "The workers of this cell are not known.",
    plot: (theme) => {
      if (map.workers.length === 0 || map.endS <= 0) return undefined;
      return rowsPlot(
        map.workers.map(({ id }) => id),
        theme,
        {
          xLabel: "Time since the start of the load (s)",
          xRange: [0, map.endS],
          right: 64,
          draw: (plot, rowAt) => {
            map.workers.forEach(({ count }, row) =>
              drawRow(plot, count, { ...rowAt(row), map, theme }),
            );
            drawScale(plot, map, theme);
          },
        },
      );
    },
  };
}

function drawRow(
  plot: uPlot,
  count: readonly number[],
  row: { top: number; height: number; map: HeatMap; theme: Theme },
): void {
  const width = row.map.endS / count.length;
  count.forEach((value, bin) => {
    const from = Math.round(plot.valToPos(bin * width, "x", true));
    const to = Math.round(plot.valToPos((bin + 1) * width, "x", true));
    plot.ctx.fillStyle = shade(value / row.map.most, row.map.arm, row.theme);
    plot.ctx.fillRect(from, row.top + px(1), to - from, row.height - px(2));
  });
}

/** Colours from nearly the panel's (idle) to the arm's (the most). */
function shade(part: number, arm: number, theme: Theme): string {
  const idle = mix(theme.panel, theme.grid, 0.55);
  return mix(idle, armColour(theme, arm), Math.min(1, Math.max(0, part)));
}

const SCALE_STEPS = 24;

function drawScale(plot: uPlot, map: HeatMap, theme: Theme): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const x = left + width + px(14);
  const barHeight = Math.min(height - px(8), px(110));
  const y = top + px(4);
  for (let i = 0; i < SCALE_STEPS; i += 1) {
    ctx.fillStyle = shade(1 - i / (SCALE_STEPS - 1), map.arm, theme);
    ctx.fillRect(x, y + (i * barHeight) / SCALE_STEPS, px(10), barHeight / SCALE_STEPS + 1);
  }
  setFont(ctx, 11);
  ctx.fillStyle = theme.muted;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  ctx.fillText(formatNumber(map.most), x + px(15), y);
  ctx.textBaseline = "bottom";
  ctx.fillText("0", x + px(15), y + barHeight);
}
