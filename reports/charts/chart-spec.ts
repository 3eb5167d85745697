/** A chart before it is drawn: its texts, its legend, and how uPlot plots it. */
import type uPlot from "uplot";
import { shortNames } from "../../core/base/short-names.ts";
import { armColour, type Theme } from "../drawing/theme.ts";

export interface LegendItem {
  label: string;
  colour: (theme: Theme) => string;
  /** A dashed line instead of a square. */
  dashed?: boolean;
}

export interface ChartSpec {
  title: string;
  /** What is drawn, over what, and what the band means. */
  subtitle: string;
  height: number;
  legend: readonly LegendItem[];
  /** Meanings of the legend's names, shown under the chart. */
  notes?: readonly (readonly [name: string, meaning: string])[];
  /** `undefined`: there is nothing to draw, and `empty` is shown instead. */
  plot(theme: Theme): { options: Partial<uPlot.Options>; data: uPlot.AlignedData } | undefined;
  empty?: string;
}

/** Longest name in a legend, in characters. */
const LEGEND_NAME_LENGTH = 40;

/** A legend with each arm and its colour. */
export function armLegend(arms: readonly { label: string; arm: number }[]): LegendItem[] {
  const names = shortNames(
    arms.map(({ label }) => label),
    LEGEND_NAME_LENGTH,
  );
  return arms.map(({ arm }, i) => ({
    label: names[i]!,
    colour: (theme) => armColour(theme, arm),
  }));
}
