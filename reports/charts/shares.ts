/** Shares of workers in a total: one full-width bar per arm, with ticks where equal shares would end. */
import type uPlot from "uplot";
import { armColour, mix, readableOn, type Theme } from "../drawing/theme.ts";
import { measureLabel, px, setFont } from "./axes.ts";
import type { ChartSpec } from "./chart-spec.ts";
import { rowsHeight, rowsPlot } from "./rows.ts";

export interface ShareRow {
  label: string;
  arm: number;
  parts: { id: string; amount: number }[];
}

export function sharesChart(
  rows: readonly ShareRow[],
  text: { title: string; subtitle: string; xLabel: string },
): ChartSpec {
  const known = rows.filter(({ parts }) => parts.some(({ amount }) => amount > 0));
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: rowsHeight(known.length, 54),
    legend: [],
    empty: "Nothing was reported per worker.",
    plot: (theme) => {
      if (known.length === 0) return undefined;
      const right = measureLabel("busiest 10.0×") + 14;
      return rowsPlot(
        known.map(({ label }) => label),
        theme,
        {
          xLabel: text.xLabel,
          xRange: [0, 100],
          right,
          draw: (plot, rowAt) => {
            known.forEach((row, index) => {
              const { top, height } = rowAt(index);
              const total = row.parts.reduce((sum, { amount }) => sum + amount, 0);
              const box = { top: top + height * 0.2, height: height * 0.6 };
              drawParts(plot, row, { ...box, total, theme });
              const busiest =
                (Math.max(...row.parts.map(({ amount }) => amount)) / total) * row.parts.length;
              setFont(plot.ctx, 12);
              plot.ctx.fillStyle = theme.muted;
              plot.ctx.textAlign = "left";
              plot.ctx.textBaseline = "middle";
              const edge = plot.valToPos(100, "x", true) + px(8);
              plot.ctx.fillText(`busiest ${busiest.toFixed(1)}×`, edge, box.top + box.height / 2);
            });
          },
        },
      );
    },
  };
}

interface Frame {
  top: number;
  height: number;
  total: number;
  theme: Theme;
}

function drawParts(plot: uPlot, row: ShareRow, frame: Frame): void {
  const { ctx } = plot;
  const at = (amount: number): number => plot.valToPos((amount / frame.total) * 100, "x", true);
  setFont(ctx, 11);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  let sum = 0;
  row.parts.forEach(({ id, amount }, index) => {
    const [from, to] = [at(sum), at(sum + amount)];
    sum += amount;
    const pale = row.parts.length > 1 ? (0.55 * index) / (row.parts.length - 1) : 0;
    const fill = mix(armColour(frame.theme, row.arm), frame.theme.panel, pale);
    ctx.fillStyle = fill;
    ctx.fillRect(from, frame.top, Math.max(0, to - from - px(1.5)), frame.height);
    const share = `${Math.round((100 * amount) / frame.total)}\u00a0%`;
    const text = [`${shortId(id)}: ${share}`, share].find(
      (label) => ctx.measureText(label).width + px(8) < to - from,
    );
    if (text === undefined) return;
    ctx.fillStyle = readableOn(fill);
    ctx.fillText(text, (from + to) / 2, frame.top + frame.height / 2);
  });
  drawEvenTicks(plot, row.parts.length, frame);
}

/** Ticks where the parts would end if all were equal. */
function drawEvenTicks(plot: uPlot, parts: number, frame: Frame): void {
  plot.ctx.fillStyle = frame.theme.muted;
  for (let i = 1; i < parts; i += 1) {
    const x = plot.valToPos((i / parts) * 100, "x", true);
    plot.ctx.fillRect(x - px(0.5), frame.top + frame.height + px(2), px(1), px(5));
  }
}

/** `worker-3` → `#3`. */
function shortId(id: string): string {
  const number = /(\d+)$/.exec(id);
  return number ? `#${number[1]}` : id;
}
