/** `dynbench report DIR…`: rebuilds the reports of run folders from plan, facts and records. */
import type { Environment } from "./environment.ts";
import { parseArguments } from "./arguments.ts";
import { exitCodeOf, openReporters, reporterContext } from "./run.ts";
import { DynbenchError, EXIT_CODES } from "../errors.ts";
import type { CellResult, RunResult } from "../metrics/result.ts";
import { cellResult, runResult } from "../run/results.ts";
import { RunFolder } from "../run/run-folder.ts";
import { mergeRuns } from "../metrics/merge-runs.ts";

/** One folder: its reports are written again. Several: a report of all beside each other, in the first. */
export async function report(argv: readonly string[], environment: Environment): Promise<number> {
  const { positionals, options, wantsHelp } = parseArguments(argv, []);
  if (wantsHelp) {
    process.stdout.write(
      "Usage: dynbench report DIR [DIR…]\n\nRebuilds summary.json, report.html and the tables of a run folder.\nSeveral folders are compared in one report, written to the first one's folder as compare/.\n",
    );
    return EXIT_CODES.ok.code;
  }
  const json = options.some(({ name }) => name === "json");
  if (positionals.length === 0) {
    throw new DynbenchError("plan", "Cannot report: expected at least one run folder", {
      hint: "dynbench report runs/2026-01-01T12-00-00-prefix",
    });
  }
  const folders = positionals.map((path) => RunFolder.open(path));
  const results: RunResult[] = [];
  for (const folder of folders) results.push(await rebuild(folder, environment));
  const isComparison = results.length > 1;
  const result = isComparison
    ? mergeRuns(
        results,
        folders.map(({ name }) => name),
      )
    : results[0]!;
  const target = isComparison ? folders[0]!.file("compare") : folders[0]!.path;
  if (isComparison) await Bun.write(`${target}/.keep`, "");
  const context = reporterContext(target, json);
  for (const reporter of await openReporters(result.plan, context, environment))
    await reporter.end?.(result);
  return exitCodeOf(result.summary);
}

async function rebuild(folder: RunFolder, { plugins }: Environment): Promise<RunResult> {
  const plan = folder.readPlan();
  const outcomes = folder.readOutcomes();
  const records = Map.groupBy(folder.readRecords(), (record) => record.cell);
  const cells: CellResult[] = [];
  for (const cell of plan.cells) {
    const outcome = outcomes.findLast(({ id }) => id === cell.id);
    if (!outcome) continue; // never run, or killed on the way: its records stay for who wants them
    cells.push(
      await cellResult(plan, cell, { outcome, records: records.get(cell.id) ?? [], plugins }),
    );
  }
  if (cells.length === 0) {
    throw new DynbenchError("plan", `Cannot report ${folder.path}: no cell of it was finished`, {
      hint: "Go on with it: dynbench run --resume DIR",
    });
  }
  return runResult(plan, cells, {
    facts: folder.readFacts(),
    startedAt: outcomes[0]!.startedAt,
    command: `dynbench run --config ${folder.path}/plan.json`,
  });
}
