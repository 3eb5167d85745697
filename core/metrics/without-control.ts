/** A run without its control, the reference arm's second measurement: what tables and charts of results show. */
import type { RunResult } from "../contract/result.ts";

/** The control is the last arm, so that the others keep their places. */
export function withoutControl<Run extends Pick<RunResult, "plan" | "cells" | "summary">>(
  run: Run,
): Run {
  const isShown = (arm: number): boolean => run.plan.arms[arm]!.twinOf === undefined;
  if (run.plan.arms.every(({ twinOf }) => twinOf === undefined)) return run;
  const arms = run.plan.arms.filter((_, arm) => isShown(arm));
  const labels = new Set(arms.map(({ label }) => label));
  return {
    ...run,
    plan: { ...run.plan, arms, cells: run.plan.cells.filter(({ arm }) => isShown(arm)) },
    cells: run.cells.filter(({ cell }) => isShown(cell.arm)),
    summary: { ...run.summary, cells: run.summary.cells.filter(({ arm }) => labels.has(arm)) },
  };
}
