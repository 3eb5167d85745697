/** The frame of charts with one row per name: plain bars, stacked bars, heat maps. */
import type uPlot from "uplot";
import type { Theme } from "../drawing/theme.ts";
import { shortNames } from "../../core/base/short-names.ts";
import { xAxis, yAxis } from "./axes.ts";

/** Height around the rows: the x axis with its label, and the top. */
const FRAME_HEIGHT = 66;

const ROW_NAME_LENGTH = 22;

export function rowsHeight(rows: number, rowHeight: number): number {
  return rows * rowHeight + FRAME_HEIGHT;
}

/** `names` from top to bottom; `draw` paints on a canvas in device pixels. */
export function rowsPlot(
  names: readonly string[],
  theme: Theme,
  frame: {
    xLabel: string;
    xRange: uPlot.Range.MinMax;
    right: number;
    grid?: boolean;
    draw(plot: uPlot, rowAt: (row: number) => { top: number; height: number }): void;
  },
): { options: Partial<uPlot.Options>; data: uPlot.AlignedData } {
  const rows = names.map((_, i) => i);
  const short = shortNames(names, ROW_NAME_LENGTH);
  return {
    data: [[...frame.xRange] as number[], [null, null]],
    options: {
      padding: [8, frame.right, 0, 0],
      scales: {
        x: { time: false, range: () => frame.xRange },
        y: { dir: -1, range: () => [-0.5, names.length - 0.5] },
      },
      axes: [
        xAxis(
          theme,
          frame.xLabel,
          frame.grid ? { grid: { show: true, stroke: theme.grid, width: 1 } } : {},
        ),
        yAxis(theme, "", {
          labelSize: 0,
          splits: () => rows,
          values: () => short,
          grid: { show: false },
          stroke: theme.ink,
        }),
      ],
      series: [{}, { points: { show: false } }],
      cursor: { show: false },
      hooks: {
        draw: [
          (plot) => {
            plot.ctx.save();
            frame.draw(plot, (row) => rowBox(plot, row));
            plot.ctx.restore();
          },
        ],
      },
    },
  };
}

function rowBox(plot: uPlot, row: number): { top: number; height: number } {
  const top = plot.valToPos(row - 0.5, "y", true);
  return { top, height: plot.valToPos(row + 0.5, "y", true) - top };
}
