/**
 * The prompt tokens that any router could have found in cache, one bar per arm: first those that were
 * found, then the losses. Read from the right end of the bar, losses are in the order they happened.
 */
import type uPlot from "uplot";
import { drawnLosses, LOSSES, type HitLadder, type LossName } from "../../core/metrics/ladder.ts";
import { armColour, mix, readableOn, type Theme } from "../drawing/theme.ts";
import { px, setFont } from "./axes.ts";
import type { ChartSpec, LegendItem } from "./chart-spec.ts";
import { rowsHeight, rowsPlot } from "./rows.ts";

export interface LadderRow {
  label: string;
  arm: number;
  ladder: HitLadder;
}

export function ladderChart(
  rows: readonly LadderRow[],
  text: { title: string; subtitle: string },
): ChartSpec {
  const names = lossNames(rows);
  return {
    title: text.title,
    subtitle: text.subtitle,
    height: rowsHeight(rows.length, rows.length > 4 ? 38 : 50),
    legend: rows.length === 0 ? [] : legendOf(names),
    notes: names.map((name) => [LOSSES[name].label, LOSSES[name].why]),
    empty: "The engine does not report what it found in cache.",
    plot: (theme) => {
      if (rows.length === 0) return undefined;
      const most =
        Math.max(...rows.map(({ ladder }) => Math.max(ladder.ideal, ladder.found))) * 100;
      return rowsPlot(
        rows.map(({ label }) => label),
        theme,
        {
          xLabel: "Prompt tokens (%)",
          xRange: [0, Math.min(100, most > 0 ? most * 1.06 : 1)],
          right: 16,
          grid: true,
          draw: (plot, rowAt) => {
            rows.forEach((row, index) => {
              const { top, height } = rowAt(index);
              drawRow(plot, row, { top: top + height * 0.2, height: height * 0.6, theme });
            });
          },
        },
      );
    },
  };
}

/** Share of the panel's colour that is mixed into the arm's colour for a loss. */
const PALE: Readonly<Record<LossName, number>> = {
  unmet: 0.35,
  choice: 0.6,
  unreached: 0.75,
  unseen: 0.75,
  absent: 0.82,
};

/** The losses that occur, in the order of the bar from left to right. */
function lossNames(rows: readonly LadderRow[]): LossName[] {
  const names = new Set(rows.flatMap(({ ladder }) => ladder.losses.map(({ name }) => name)));
  return (Object.keys(PALE) as LossName[]).filter((name) => names.has(name));
}

function legendOf(names: readonly LossName[]): LegendItem[] {
  const grey = (part: number) => (theme: Theme) => mix(theme.muted, theme.panel, part);
  return [
    { label: "found", colour: grey(0) },
    ...names.map((name) => ({ label: LOSSES[name].label, colour: grey(PALE[name]) })),
  ];
}

function drawRow(
  plot: uPlot,
  { arm, ladder }: LadderRow,
  frame: { top: number; height: number; theme: Theme },
): void {
  const { theme } = frame;
  const colour = armColour(theme, arm);
  const parts = [
    { share: ladder.found, fill: colour },
    ...drawnLosses(ladder)
      .toReversed()
      .map(({ name, share }) => ({ share, fill: mix(colour, theme.panel, PALE[name]) })),
  ];
  const { ctx } = plot;
  setFont(ctx, 12, 600);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  let sum = 0;
  for (const { share, fill } of parts) {
    if (share <= 0) continue;
    const from = plot.valToPos(sum * 100, "x", true);
    sum += share;
    const to = plot.valToPos(sum * 100, "x", true);
    ctx.fillStyle = fill;
    ctx.fillRect(from, frame.top, Math.max(0, to - from - px(1)), frame.height);
    const label = `${Math.round(share * 100)}\u00a0%`;
    if (ctx.measureText(label).width + px(6) > to - from) continue;
    ctx.fillStyle = readableOn(fill);
    ctx.fillText(label, (from + to) / 2, frame.top + frame.height / 2);
  }
  const end = plot.valToPos(ladder.ideal * 100, "x", true);
  ctx.fillStyle = theme.ink;
  ctx.fillRect(end - px(1), frame.top - px(4), px(2), frame.height + px(8));
}
