/**
 * Several runs as one result, for a report that shows them side by side. Arms carry their run's
 * name; arms of different runs are compared only where they served the same requests.
 */
import type { PlannedArm, PlannedCell } from "../plan/plan.ts";
import type { CellResult, RunResult } from "./result.ts";
import { summarizeRun } from "./summary.ts";

/** `names`: one a run, unique, as the arms' labels shall show them. At least one run. */
export function mergeRuns(runs: readonly RunResult[], names: readonly string[]): RunResult {
  const [first] = runs;
  if (first === undefined) throw new Error("No runs to merge");
  const arms: PlannedArm[] = [];
  const planned: PlannedCell[] = [];
  const cells: CellResult[] = [];
  runs.forEach((run, i) => {
    const name = names[i]!;
    const offset = arms.length;
    const renamed = (cell: PlannedCell): PlannedCell => ({
      ...cell,
      id: `${name}/${cell.id}`,
      arm: cell.arm + offset,
    });
    for (const arm of run.plan.arms) {
      // Another run had another engine process, even with equal options.
      arms.push({ ...arm, label: labelIn(name, arm.label), engineKey: `${name}/${arm.engineKey}` });
    }
    for (const cell of run.plan.cells) planned.push(renamed(cell));
    for (const { cell, summary, ...rest } of run.cells) {
      const moved = renamed(cell);
      cells.push({
        ...rest,
        cell: moved,
        summary: { ...summary, id: moved.id, arm: labelIn(name, summary.arm) },
      });
    }
  });
  const repeats = Math.min(...runs.map((run) => run.plan.repeats));
  const plan = { ...first.plan, arms, cells: planned, repeats };
  return {
    plan,
    facts: Object.fromEntries(runs.map((run, i) => [names[i]!, run.facts])),
    summary: summarizeRun({ plan, cells, startedAt: first.summary.startedAt }),
    cells,
    command: runs.map((run) => run.command).join("\n"),
  };
}

function labelIn(name: string, label: string): string {
  return `${label} (${name})`;
}
