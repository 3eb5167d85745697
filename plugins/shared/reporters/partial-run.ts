/** An unfinished run in the form of a finished one, so that the cells measured so far are on disk. */
import type { CellResult, Plan, RunResult, Summary, CellSummary } from "dynbench/report";

/** The summary of the cells so far. Its verdict states that the run is unfinished, and it has no comparisons. */
export function partialSummary(
  plan: Plan,
  cells: readonly CellSummary[],
  startedAt: string,
): Summary {
  const measured = `${cells.length} of ${plan.cells.length} cells`;
  return {
    schemaVersion: 2,
    tool: plan.tool,
    startedAt,
    verdict: {
      state: "untrusted",
      reasons: [
        {
          id: "unfinished",
          severity: "untrusted",
          message: `The run was not finished when this was written: ${measured} were measured`,
          hint: "Wait for the end, or go on with --resume and the run folder",
        },
      ],
    },
    cells: [...cells],
    comparisons: [],
  };
}

export function partialRun(plan: Plan, cells: readonly CellResult[], startedAt: string): RunResult {
  const summary = partialSummary(
    plan,
    cells.map((cell) => cell.summary),
    startedAt,
  );
  return { plan, facts: {}, summary, cells: [...cells], command: "" };
}
