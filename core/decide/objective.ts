/** What a tuner makes small or large, and within which limits: `ttft.p99`, `tpot.p99<50`. Pure. */
import { log } from "../base/portable-math.ts";
import type { Fault } from "../base/errors.ts";
import type { PrimaryMetric } from "../contract/plan.ts";
import type { CellSummary } from "../contract/result.ts";
import { COMPARABLE } from "../metrics/compare/compared.ts";
import { metricOf } from "../metrics/definitions.ts";
import { typedMetric } from "../plan/run-options.ts";

export interface Objective {
  readonly metric: PrimaryMetric;
  readonly better: "lower" | "higher";
}

export interface Limit {
  /** As typed. */
  readonly text: string;
  readonly metric: PrimaryMetric;
  readonly is: "below" | "above";
  readonly value: number;
}

const LIMIT = /^([\w.-]+)\s*([<>])=?\s*(\d+(?:\.\d+)?)$/;
/** A setting beyond a limit is never worth what it gains: each percent weighs as ten of the objective. */
const BEYOND = 10;

export function objectiveOf(metric: PrimaryMetric): Objective {
  const { key } = COMPARABLE.find(({ name }) => name === metric)!;
  return { metric, better: metricOf(key).better === "higher" ? "higher" : "lower" };
}

export function parseLimits(text: string, faults: Fault[]): Limit[] {
  return text.split(",").flatMap((one) => {
    const [, typed, sign, value] = LIMIT.exec(one.trim()) ?? [];
    const metric = COMPARABLE.find(({ name }) => typedMetric(name) === typed)?.name;
    if (metric !== undefined) {
      const is = sign === "<" ? "below" : "above";
      return [{ text: one.trim(), metric, is, value: Number(value) } as const];
    }
    faults.push({
      path: "tune.subject-to",
      message: `expected METRIC<VALUE or METRIC>VALUE, got "${one.trim()}"`,
      hint: `Metrics are: ${COMPARABLE.map(({ name }) => typedMetric(name)).join(", ")}`,
    });
    return [];
  });
}

/** What the usual setting reached on a slice. */
export interface Base {
  readonly value: number;
  /** Requests that failed, such as those too large for any worker. */
  readonly failed: number;
}

/** Undefined where the cell has no such figure, or none above zero. */
export function figure(cell: CellSummary, metric: PrimaryMetric): number | undefined {
  const value = COMPARABLE.find(({ name }) => name === metric)!.read(cell);
  return value !== undefined && value > 0 ? value : undefined;
}

/**
 * Logarithm of the ratio to a base, so that lower is better, plus the penalty of what lies beyond the
 * limits. Infinity for a cell without the figure, and where more requests fail than at the base.
 */
export function scoreOf(
  cell: CellSummary,
  { objective, limits, base }: { objective: Objective; limits: readonly Limit[]; base: Base },
): number {
  const value = figure(cell, objective.metric);
  if (value === undefined || cell.requests.failed > base.failed) return Infinity;
  const ratio = log(value / base.value);
  const beyond = limits.reduce((sum, limit) => sum + Math.max(0, excess(cell, limit)), 0);
  return (objective.better === "lower" ? ratio : -ratio) + BEYOND * beyond;
}

/** By how much a figure is beyond its limit, as a logarithm; negative within it. */
export function excess(cell: CellSummary, { metric, is, value }: Limit): number {
  const seen = figure(cell, metric);
  if (seen === undefined) return is === "above" ? Infinity : 0;
  return is === "below" ? log(seen / value) : log(value / seen);
}
