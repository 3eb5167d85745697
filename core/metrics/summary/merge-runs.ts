/**
 * Merges several runs into one result, for a report that shows them side by side. Arms carry their
 * run's name and stand beside the arms of other runs that have the same router. A parameter swept in
 * one run is filled in from the fixed option of another. Runs on different time scales are converted
 * to the time of the modelled hardware. Arms of different runs are compared only on the same requests.
 */
import type { PlannedArm, PlannedCell } from "../../contract/plan.ts";
import { haveSameRouter } from "../compare/arm-pairs.ts";
import { inModelTime } from "../model-time.ts";
import type { CellResult, RunResult } from "../../contract/result.ts";
import { withoutControl } from "../without-control.ts";
import { runDifferences } from "./run-differences.ts";
import { summarizeRun } from "./summary.ts";

/** `names`: one a run, unique; the arms' labels show them. Throws without a run. */
export function mergeRuns(
  measured: readonly RunResult[],
  names: readonly string[],
  options: { readonly everyPair?: boolean } = {},
): RunResult {
  const [first] = measured;
  if (first === undefined) throw new Error("No runs to merge");
  const runs = measured.map(withoutControl); // it says how far to trust its own run
  const sideBySide = routersSideBySide(runs, names);
  const arms: PlannedArm[] = [];
  const places = runs.map(() => new Map<number, number>());
  for (const row of sideBySide.routers) {
    row.arms.forEach((arm, run) => {
      if (arm === undefined) return;
      const planned = runs[run]!.plan.arms[arm]!;
      places[run]!.set(arm, arms.length);
      row.arms[run] = arms.length;
      // Another run had another engine process, even with equal options.
      const engineKey = `${names[run]!}/${planned.engineKey}`;
      arms.push({ ...planned, label: labelIn(names[run]!, planned.label), engineKey });
    });
  }
  const swept = sweptKeys(runs);
  const moved = (cell: PlannedCell, run: number): PlannedCell => ({
    ...cell,
    id: `${names[run]!}/${cell.id}`,
    arm: places[run]!.get(cell.arm)!,
    parameters: { ...fixedValues(cell, swept), ...cell.parameters },
  });
  const scales = new Set(runs.flatMap(({ summary }) => summary.cells.map((c) => c.timeScale)));
  const cells = runs.flatMap((run, i) =>
    run.cells.map((result): CellResult => {
      const cell = moved(result.cell, i);
      const { summary, ...rest } = scales.size > 1 ? inModelTime(result) : result;
      const { id, parameters } = cell;
      return { ...rest, cell, summary: { ...summary, id, parameters, arm: arms[cell.arm]!.label } };
    }),
  );
  const repeats = Math.min(...runs.map((run) => run.plan.repeats));
  const planned = runs.flatMap((run, i) => run.plan.cells.map((cell) => moved(cell, i)));
  const plan = { ...first.plan, arms, cells: planned, repeats };
  const summary = summarizeRun({ plan, cells, startedAt: first.summary.startedAt, ...options });
  const difference = runDifferences(runs, names, swept);
  if (difference !== undefined) summary.verdict.reasons.push(difference);
  return {
    plan,
    facts: Object.fromEntries(runs.map((run, i) => [names[i]!, run.facts])),
    summary,
    cells,
    command: runs.map((run) => run.command).join("\n"),
    sideBySide,
  };
}

/** A row per router, in the order of the runs; arms by their index in their own run. */
function routersSideBySide(
  runs: readonly RunResult[],
  names: readonly string[],
): { runs: readonly string[]; routers: { label: string; arms: (number | undefined)[] }[] } {
  const rows: { planned: PlannedArm; label: string; arms: (number | undefined)[] }[] = [];
  runs.forEach(({ plan }, run) => {
    plan.arms.forEach((planned, arm) => {
      let row = rows.find(
        (one) => one.arms[run] === undefined && haveSameRouter(one.planned, planned),
      );
      if (row === undefined) {
        row = { planned, label: planned.label, arms: runs.map(() => undefined) };
        rows.push(row);
      }
      row.arms[run] = arm;
    });
  });
  return { runs: names, routers: rows.map(({ label, arms }) => ({ label, arms })) };
}

function sweptKeys(runs: readonly RunResult[]): string[] {
  const cells = runs.flatMap(({ plan }) => plan.cells);
  return [...new Set(cells.flatMap(({ parameters }) => Object.keys(parameters)))];
}

/** This cell's value of a parameter that another run swept; nothing where it has no such option. */
function fixedValues(cell: PlannedCell, keys: readonly string[]): PlannedCell["parameters"] {
  const options: Readonly<Record<string, unknown>> = { ...cell.load, ...cell.workload.options };
  const values = keys.map((key) => [key, options[key]] as const);
  return Object.fromEntries(
    values.filter((entry): entry is readonly [string, number | string | boolean] =>
      ["number", "string", "boolean"].includes(typeof entry[1]),
    ),
  );
}

function labelIn(name: string, label: string): string {
  return `${label} (${name})`;
}
