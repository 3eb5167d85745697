/**
 * The life of a run, on either clock: take over what an earlier part finished, run the cells, report.
 *
 *   run.ts           begin, run, report
 *   ├ live-run.ts      wall clock: plane > engine > router > cell
 *   │ └ live-cell.ts     caches emptied, load driven, router asked
 *   │   └ load-process.ts  the child that sends, its records and progress
 *   ├ virtual-run.ts   virtual clock: each cell simulated in this process
 *   ├ recorder.ts      a record's one path: line, tally, progress, findings
 *   └ run-book.ts      facts, progress, results, reporters
 *
 * Whatever ends a run early (a dead worker, Ctrl-C, a full disk), what was measured is kept and reported.
 */
import { runLive } from "./live-run.ts";
import { RunBook, type RunDeps } from "./run-book.ts";
import { simulatePlan } from "./virtual-run.ts";
import type { Plan } from "../contract/plan.ts";
import type { RunResult } from "../contract/result.ts";

/** What ended the run early, if anything did. */
export interface RunEnd {
  readonly result: RunResult;
  readonly fault: unknown;
  /** Reporters that could not write their part. */
  readonly unwritten: readonly string[];
}

/** Runs the plan. Faults end the run but not its report: they come back as `fault`. */
export async function executePlan(plan: Plan, deps: RunDeps): Promise<RunEnd> {
  const book = new RunBook(plan, deps);
  const runCells = plan.clock === "virtual" ? simulatePlan : runLive;
  const fault = await runCells(plan, deps, book);
  return { ...(await book.report(fault !== undefined)), fault };
}
