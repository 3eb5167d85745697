/** The figures that the page compares: each one's key in a cell's summary, unit, and better direction. */
import type { CellSummary } from "../../core/contract/result.ts";
import { formatNumber } from "../../core/metrics/summary/format.ts";

export interface Measure {
  /** The key of `CellMetrics`. */
  key: "ttftMs" | "itlMs" | "e2eMs" | "outputTps";
  label: string;
  unit: string;
  lowerIsBetter: boolean;
}

export const MEASURES: readonly Measure[] = [
  { key: "ttftMs", label: "TTFT", unit: "ms", lowerIsBetter: true },
  { key: "itlMs", label: "ITL", unit: "ms", lowerIsBetter: true },
  { key: "e2eMs", label: "E2E", unit: "ms", lowerIsBetter: true },
  { key: "outputTps", label: "Output", unit: "tokens/s", lowerIsBetter: false },
];

/** The mean of a cell, or its rate; undefined where the cell has none. */
export function meanOf(summary: CellSummary, key: Measure["key"]): number | undefined {
  const value = summary.metrics[key];
  return typeof value === "number" ? value : value?.mean;
}

/** Mean of the known numbers; undefined when there are none. */
export function mean(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value): value is number => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0) / known.length;
}

/** By `Comparison.metric`: the key of a rate, or `ttftMs.mean`; other statistics are not shown. */
export function measureOf(metric: string): Measure | undefined {
  return MEASURES.find(({ key }) => metric === key || metric === `${key}.mean`);
}

/** `+1,234 ms`, `−0.154 ms`; without a sign where it rounds to nothing. */
export function formatDifference(value: number, measure: Pick<Measure, "unit">): string {
  const size = formatMeasure(Math.abs(value), measure);
  if (Number.parseFloat(size) === 0) return size;
  return `${value > 0 ? "+" : "−"}${size}`;
}

/** `1,234 ms`. */
export function formatMeasure(value: number, measure: Pick<Measure, "unit">): string {
  return `${formatNumber(value)}\u00a0${measure.unit}`;
}
