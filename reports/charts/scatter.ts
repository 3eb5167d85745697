/** One mark per request: its time to first token over the tokens that had to be prefilled. */
import type uPlot from "uplot";
import { armColour, type Theme } from "../drawing/theme.ts";
import { fromZero, px, xAxis, yAxis } from "./axes.ts";
import { armLegend, type ChartSpec } from "./chart-spec.ts";
import { drawMarker } from "./markers.ts";

export interface ScatterCloud {
  label: string;
  arm: number;
  x: readonly number[];
  y: readonly number[];
}

export function scatterChart(
  clouds: readonly ScatterCloud[],
  text: { title: string; subtitle: string; xLabel: string; yLabel: string },
): ChartSpec {
  const known = clouds.filter(({ x }) => x.length > 0);
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: 300,
    legend: armLegend(known),
    empty: "The engine does not report cached tokens.",
    plot: (theme) => {
      if (known.length === 0) return undefined;
      const [right, top] = [largest(known, "x"), largest(known, "y")];
      return {
        data: [
          [0, right],
          [null, null],
        ],
        options: {
          padding: [10, 16, 0, 0],
          scales: {
            x: { time: false, range: () => fromZero(right) },
            y: { range: () => fromZero(top) },
          },
          axes: [
            xAxis(theme, text.xLabel, { grid: { show: true, stroke: theme.grid, width: 1 } }),
            yAxis(theme, text.yLabel),
          ],
          series: [{}, { points: { show: false } }],
          cursor: { points: { show: false }, drag: { x: false, y: false } },
          hooks: { draw: [(plot) => drawClouds(plot, known, theme)] },
        },
      };
    },
  };
}

function largest(clouds: readonly ScatterCloud[], axis: "x" | "y"): number {
  return clouds.reduce((most, cloud) => cloud[axis].reduce((a, b) => Math.max(a, b), most), 0);
}

/** Draws arms in turn, so that no arm covers all others. */
function drawClouds(plot: uPlot, clouds: readonly ScatterCloud[], theme: Theme): void {
  const { ctx } = plot;
  ctx.save();
  const longest = clouds.reduce((most, { x }) => Math.max(most, x.length), 0);
  ctx.globalAlpha = longest > 600 ? 0.35 : 0.55;
  for (let i = 0; i < longest; i += 1) {
    for (const { x, y, arm } of clouds) {
      if (i >= x.length) continue;
      ctx.fillStyle = armColour(theme, arm);
      drawMarker(ctx, arm, {
        x: plot.valToPos(x[i]!, "x", true),
        y: plot.valToPos(y[i]!, "y", true),
        radius: px(2.6),
      });
    }
  }
  ctx.restore();
}
