/** A chart before it is drawn: its texts, its legend, and how uPlot plots it. */
import type uPlot from "uplot";
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

/** A legend with each arm and its colour. */
export function armLegend(arms: readonly { label: string; arm: number }[]): LegendItem[] {
  return arms.map(({ label, arm }) => ({ label, colour: (theme) => armColour(theme, arm) }));
}
