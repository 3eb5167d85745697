/** `dynbench report DIR…`: rebuilds the reports of run folders from their plan, facts and records. */
import { mkdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import * as v from "valibot";
import { statOf } from "../../system/stat-of.ts";
import type { Environment } from "../options/environment.ts";
import { loadPlugins, PLUGIN_OPTIONS } from "../options/added-plugins.ts";
import type { CommandLine } from "../options/command-line.ts";
import { guideTable } from "../text/guide-table.ts";
import { startLog } from "../text/log.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { exitCodeOf, openReporters, reporterContext } from "./open-reporters.ts";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { whyNot } from "../../base/why-not.ts";
import { parseGuideSummary } from "../../metrics/summary/guide-summary.ts";
import { mergeRuns } from "../../metrics/summary/merge-runs.ts";
import type { Plan, PlannedCell } from "../../contract/plan.ts";
import type { CellResult, RunResult } from "../../contract/result.ts";
import { RunOptions } from "../../plan/run-options.ts";
import { allReporters } from "../../run/all-reporters.ts";
import { KnownBounds } from "../../plan/cache-bounds.ts";
import { KeptTallies } from "../../run/recorder.ts";
import { cellResult, partOutcome, runResult } from "../../run/results.ts";
import { changedFiles, inputFiles, runnablePlan } from "../../run/folder/input-files.ts";
import { RunFolder, type CellOutcome } from "../../run/folder/run-folder.ts";

const HELP = `Usage: dynbench report DIR [DIR…] [--pairs all] [--json] [--plugin FILE]
       dynbench report results_summary.json [results_summary.json…]

Rebuilds summary.json, report.html and the tables of a run folder.
Several folders are compared in one report, in the subfolder compare/ of the first: for example
live and simulated runs, router by router. If the runs have different time scales, their times are
converted to those of the modelled hardware.
With --pairs all, summary.json compares every pair of arms, not only the most important pairs.
Files results_summary.json are printed side by side in one table. They are the result format of
the router benchmarking guide of NVIDIA Dynamo, and each run writes them to its folder guide/.
`;

export const ReportOptions = v.strictObject({
  json: RunOptions.entries.json,
  ...PLUGIN_OPTIONS,
  pairs: v.pipe(
    v.optional(v.picklist(["usual", "all"]), "usual"),
    v.description("Pairs of arms that summary.json compares: the most important ones, or all"),
  ),
});

/** Rewrites the reports of one folder, or compares several in one report in the first folder. */
export async function report(line: CommandLine, environment: Environment): Promise<number> {
  if (line.wantsHelp) {
    process.stdout.write(HELP);
    return EXIT_CODES.ok.code;
  }
  const { chosen, words: paths } = readOwnOptions("report", ReportOptions, line);
  const { json, pairs, ...added } = chosen;
  await loadPlugins(environment.plugins, added);
  if (paths.length === 0) {
    throw new DynbenchError("plan", "Cannot report: expected at least one run folder", {
      hint: "dynbench report runs/2026-01-01T12-00-00-prefix",
    });
  }
  const files = paths.filter(isFile);
  if (files.length === 0) {
    return reportFolders(paths, { json, everyPair: pairs === "all" }, environment);
  }
  if (files.length < paths.length) {
    throw new DynbenchError("plan", "Cannot report: files and folders do not go together", {
      hint: "Give run folders, or results_summary.json files (each run folder has its own in guide/)",
    });
  }
  const summaries = files.map((path) => ({
    name: path,
    summary: parseGuideSummary(readText(path), path),
  }));
  process.stdout.write(json ? `${JSON.stringify(summaries, null, 2)}\n` : guideTable(summaries));
  return EXIT_CODES.ok.code;
}

async function reportFolders(
  paths: readonly string[],
  { json, everyPair }: { json: boolean; everyPair: boolean },
  environment: Environment,
): Promise<number> {
  const folders = paths.map((path) => RunFolder.open(path));
  const results: RunResult[] = [];
  for (const folder of folders) results.push(await rebuild(folder, everyPair, environment));
  const isComparison = results.length > 1;
  const result = isComparison
    ? mergeRuns(results, runNames(folders, results), { everyPair })
    : results[0]!;
  const target = isComparison ? folders[0]!.file("compare") : folders[0]!.path;
  if (isComparison) mkdirSync(target, { recursive: true });
  const context = reporterContext(target, json);
  if (isComparison && !json) {
    const lines = result.sideBySide!.runs.map((name, i) => `${name}: ${folders[i]!.path}\n`);
    process.stdout.write(`${lines.join("")}\n`);
  }
  const plans = { plan: result.plan, storable: result.plan };
  const reporters = await openReporters(plans, context, environment);
  const failed = await allReporters(reporters, context.log).end(result);
  return failed.length > 0 ? EXIT_CODES.load.code : exitCodeOf(result.summary);
}

/** Longer names do not fit tables and charts. */
const NAME_LENGTH = 16;

/**
 * Names that distinguish the arms of different runs: `live` and `virtual` if that is enough, else the
 * folders' names if they are short and differ, else letters in the order of the folders.
 */
function runNames(folders: readonly RunFolder[], runs: readonly RunResult[]): string[] {
  const clocks = runs.map(({ plan }) => (plan.clock === "wall" ? "live" : "virtual"));
  const names = folders.map(({ name }) => name);
  const differ = (all: readonly string[]): boolean => new Set(all).size === all.length;
  if (differ(clocks)) return clocks;
  if (differ(names) && names.every(({ length }) => length <= NAME_LENGTH)) return names;
  return names.map((_, i) => (i < 26 ? String.fromCharCode(65 + i) : `run ${i + 1}`));
}

async function rebuild(
  folder: RunFolder,
  everyPair: boolean,
  { plugins }: Environment,
): Promise<RunResult> {
  const stored = folder.readPlan();
  const plan = await runnablePlan(folder, plugins);
  const files = await inputFiles(stored, { plugins, stdin: folder.stdinFile });
  for (const change of changedFiles(stored, files)) startLog({ debug: false }).warn(change);
  const facts = folder.readFacts();
  const outcomes = folder.readOutcomes();
  const cells = await cellResults(plan, outcomes, { folder, plugins });
  if (cells.length === 0) {
    throw new DynbenchError("plan", `Cannot report ${folder.path}: no request of it has ended`, {
      hint: `Resume it: dynbench run --resume ${folder.path}`,
    });
  }
  return runResult(stored, cells, {
    facts,
    everyPair,
    startedAt: textOr(facts.startedAt, outcomes[0]?.startedAt ?? ""),
    command: textOr(facts.command, `dynbench run --config ${folder.path}/plan.json`),
  });
}

/** Of each cell with records, in the order of the plan; one in which the run was killed has a part of them. */
async function cellResults(
  plan: Plan,
  outcomes: readonly CellOutcome[],
  { folder, plugins }: { folder: RunFolder; plugins: Environment["plugins"] },
): Promise<CellResult[]> {
  const ended = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
  const tallies = new KeptTallies(plan.cells.map(({ id }) => id));
  for (const record of folder.records()) tallies.add(record);
  const engineOf = (cell: PlannedCell): string => plan.arms[cell.arm]!.engineKey;
  const cells: CellResult[] = [];
  const bounds = new KnownBounds();
  for (const cell of plan.cells) {
    const tally = tallies.take(cell.id);
    const isAlike = (one: PlannedCell): boolean =>
      engineOf(one) === engineOf(cell) && ended.has(one.id);
    const like = (): CellOutcome | undefined => ended.get(plan.cells.find(isAlike)?.id ?? "");
    const outcome = ended.get(cell.id) ?? (await partOutcome(plan, cell, { tally, like, plugins }));
    if (outcome === undefined) continue; // the cell did not run
    cells.push(await cellResult(plan, cell, { outcome, tally, plugins, bounds }));
  }
  return cells;
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

function isFile(path: string): boolean {
  return statOf(path)?.isFile() ?? false;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot read ${basename(path)}: ${whyNot(cause)}`, {
      cause,
    });
  }
}
