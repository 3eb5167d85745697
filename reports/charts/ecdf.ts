/** Empirical distributions: the share of requests at or below a value, one step line per arm. */
import uPlot from "uplot";
import { formatNumber } from "../../core/metrics/summary/format.ts";
import { armColour, type Theme } from "../drawing/theme.ts";
import { cumulativeShares, type Distribution } from "../data/thin.ts";
import { LOG_SPREAD, logTicks, px, setFont, xAxis, yAxis } from "./axes.ts";
import { armLegend, type ChartSpec } from "./chart-spec.ts";

export interface EcdfLine {
  label: string;
  arm: number;
  distribution: Distribution;
}

/** With more arms the figures at the medians would overlap, so only the marks are drawn. */
const LABELLED_MEDIANS = 3;

export function ecdfChart(
  lines: readonly EcdfLine[],
  text: { title: string; subtitle: string; xLabel: string },
): ChartSpec {
  const known = lines.filter(({ distribution }) => distribution.values.length > 0);
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: 260,
    legend: armLegend(known),
    empty: "No request has this figure.",
    plot: (theme) => {
      if (known.length === 0) return undefined;
      const range = valueRange(known.map(({ distribution }) => distribution.values));
      return {
        data: uPlot.join(known.map(({ distribution }) => stepsOf(distribution, range))),
        options: {
          padding: [10, 16, 0, 0],
          scales: {
            x: { time: false, distr: range.log ? 3 : 1, range: () => [range.from, range.to] },
            y: { range: () => [0, 100] },
          },
          axes: [
            xAxis(theme, text.xLabel, range.log ? logTicks(range) : {}),
            yAxis(theme, "Share of requests (%)", { splits: () => [0, 25, 50, 75, 100] }),
          ],
          series: [{}, ...known.map(({ arm }) => seriesOf(arm, theme))],
          cursor: { points: { show: false }, drag: { x: false, y: false } },
          hooks: { draw: [(plot) => drawMedian(plot, known, theme)] },
        },
      };
    },
  };
}

interface ValueRange {
  from: number;
  to: number;
  log: boolean;
}

function valueRange(all: readonly (readonly number[])[]): ValueRange {
  const at = (values: readonly number[], q: number): number =>
    values[Math.round(q * (values.length - 1))]!;
  const low = Math.min(...all.map((values) => at(values, 0.02)));
  const high = Math.max(...all.map((values) => at(values, 0.995)));
  const log = low > 0 && high / low > LOG_SPREAD;
  return log
    ? { from: low, to: high * 1.1, log }
    : { from: 0, to: high > 0 ? high * 1.04 : 1, log };
}

/** The steps within the range, extended to its edges, so that lines start at 0 % and end where they leave it. */
function stepsOf(distribution: Distribution, range: ValueRange): [number[], number[]] {
  const shares = cumulativeShares(distribution).map((share) => share * 100);
  const xs: number[] = [range.from];
  const ys: number[] = [0];
  distribution.values.forEach((value, i) => {
    const share = shares[i]!;
    if (value <= xs.at(-1)!) {
      ys[ys.length - 1] = share;
    } else if (value <= range.to) {
      xs.push(value);
      ys.push(share);
    }
  });
  if (xs.at(-1)! < range.to) {
    xs.push(range.to);
    ys.push(ys.at(-1)!);
  }
  return [xs, ys];
}

function seriesOf(arm: number, theme: Theme): uPlot.Series {
  return {
    stroke: armColour(theme, arm),
    width: 2,
    points: { show: false },
    spanGaps: true,
    paths: uPlot.paths.stepped!({ align: 1 }),
  };
}

/** A line at the median of each arm with its value: the figure that readers take from such a chart. */
function drawMedian(plot: uPlot, lines: readonly EcdfLine[], theme: Theme): void {
  const { ctx } = plot;
  ctx.save();
  setFont(ctx, 12, 600);
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const y = plot.valToPos(50, "y", true);
  const medians = lines
    .map((line) => ({ line, value: medianOf(line.distribution.values) }))
    .sort((a, b) => a.value - b.value);
  let free = -Infinity;
  medians.forEach(({ line, value }, order) => {
    const x = plot.valToPos(value, "x", true);
    ctx.fillStyle = armColour(theme, line.arm);
    ctx.beginPath();
    ctx.arc(x, y, px(3.5), 0, 2 * Math.PI);
    ctx.fill();
    if (lines.length > LABELLED_MEDIANS) return;
    // The first to the left of its line, the others to the right, where no curve runs.
    const text = formatNumber(value);
    const width = ctx.measureText(text).width;
    const onLeft = order === 0 && x - width - px(8) > plot.bbox.left;
    if (!onLeft && x + px(8) < free) return;
    if (!onLeft) free = x + px(16) + width;
    const at = {
      x: onLeft ? x - px(8) - width : x + px(8),
      y: order === 0 ? y - px(10) : y + px(11),
    };
    ctx.lineWidth = px(4);
    ctx.strokeStyle = theme.panel;
    ctx.strokeText(text, at.x, at.y);
    ctx.fillText(text, at.x, at.y);
  });
  ctx.restore();
}

function medianOf(sorted: readonly number[]): number {
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}
