/**
 * What every run keeps, live or simulated: facts, progress, the results of its cells, and the reports
 * at its end.
 */
import { allReporters, type AllReporters, type OpenReporter } from "./all-reporters.ts";
import { ProgressMeter } from "./progress-meter.ts";
import { CellRecorder, KeptTallies } from "./recorder.ts";
import type { RecordWatch } from "./cell-findings.ts";
import { cellResult, runResult } from "./results.ts";
import { RunFacts } from "./folder/run-facts.ts";
import type { CellOutcome, RunFolder } from "./folder/run-folder.ts";
import { monotonicNs } from "../system/clock.ts";
import { DynbenchError, messageOf } from "../base/errors.ts";
import { isDecided } from "../metrics/compare/compare.ts";
import { blockOf } from "../metrics/looks.ts";
import type { CellTally } from "../metrics/tally/cell-tally.ts";
import type { CellResult, RunResult } from "../contract/result.ts";
import type { RunSurvey } from "../plan/survey.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Logger } from "../contract/processes.ts";

/** What a run needs, live or simulated. */
export interface RunDeps {
  /** The plan as it may be printed and stored: reporters see no secrets. */
  readonly storable: Plan;
  readonly plugins: Plugins;
  readonly self: readonly string[];
  readonly folder: RunFolder;
  readonly log: Logger;
  /** Of the plan: its requests are not drawn again for what it found. */
  readonly survey: RunSurvey;
  /** Stop, keep and report what is there. */
  readonly signal: AbortSignal;
  readonly reporters: readonly OpenReporter[];
  /** Cells simulated at once; on the wall clock there is one at a time. */
  readonly jobs: number;
  /** The folder holds an earlier part of this run. */
  readonly isResumed: boolean;
  /** Cells that it has finished; all else of it is forgotten. */
  readonly finished: readonly CellOutcome[];
  /** The command that repeats the run. */
  readonly command: string;
}

/** The fault of a run that its user stopped. */
export function interrupted(): DynbenchError {
  return new DynbenchError("interrupted", "Interrupted: what was measured until then is kept");
}

export class RunBook {
  readonly facts: RunFacts;
  readonly meter: ProgressMeter;
  readonly #plan: Plan;
  readonly #deps: RunDeps;
  readonly #results: CellResult[] = [];
  readonly #startNs = monotonicNs();
  readonly #reporters: AllReporters;

  constructor(plan: Plan, deps: RunDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.facts = new RunFacts(deps.folder, deps.command);
    this.#reporters = allReporters(deps.reporters, deps.log);
    this.meter = new ProgressMeter(plan, this.#reporters.progress);
  }

  /** Writes the facts, takes over the cells that an earlier part of the run finished, and returns those to run. */
  async begin(): Promise<PlannedCell[]> {
    this.facts.write();
    await this.#keepFinished();
    const isDone = new Set(this.#results.map(({ cell }) => cell.id));
    return this.#plan.cells.filter((cell) => !isDone.has(cell.id));
  }

  /** Whether the repeats so far show what `--until` asks, so that neither this cell nor a later one is run. */
  isEnough(next: PlannedCell): boolean {
    const { until } = this.#plan;
    const last = this.#results.at(-1);
    if (until === undefined || last === undefined) return false;
    const isNewBlock = blockOf(until, next.repeat) > blockOf(until, last.cell.repeat);
    if (!isNewBlock) return false;
    const tookS = (monotonicNs() - this.#startNs) / 1e9;
    return tookS >= (until.maxTimeS ?? Infinity) || isDecided(this.#results, this.#plan);
  }

  /** Takes the records of one cell. */
  recorder(cell: PlannedCell, watch: RecordWatch): CellRecorder {
    return new CellRecorder({ cell: cell.id, lines: this.#deps.folder, meter: this.meter, watch });
  }

  /** A cell is over. */
  async finish(cell: PlannedCell, outcome: CellOutcome, tally: CellTally): Promise<void> {
    await this.take(await this.#resultOf(cell, outcome, tally));
  }

  /** The result of a cell that is over. */
  async take(result: CellResult): Promise<void> {
    this.meter.finished();
    await this.#add(result);
  }

  /**
   * Ends the reporters; one that fails does not take the others with it. Where nothing was measured
   * there is no report: it would only hide the fault.
   */
  async report(isBroken: boolean): Promise<{ result: RunResult; unwritten: readonly string[] }> {
    const { folder, log } = this.#deps;
    try {
      this.facts.write();
    } catch (error) {
      log.error(messageOf(error));
    }
    const result = runResult(this.#deps.storable, this.#results, {
      facts: this.facts.all,
      startedAt: this.facts.startedAt,
      command: this.#deps.command,
    });
    const isEmpty = isBroken && this.#results.length === 0;
    const unwritten = isEmpty ? [] : await this.#reporters.end(result);
    folder.close();
    return { result, unwritten };
  }

  async #keepFinished(): Promise<void> {
    const { folder, finished } = this.#deps;
    if (!this.#deps.isResumed) return;
    const tallies = new KeptTallies(finished.map(({ id }) => id));
    folder.keepCells(finished, tallies.add);
    const planned = new Map(this.#plan.cells.map((cell) => [cell.id, cell]));
    for (const outcome of finished) {
      const cell = planned.get(outcome.id);
      if (cell) await this.#add(await this.#resultOf(cell, outcome, tallies.take(cell.id)));
    }
  }

  #resultOf(cell: PlannedCell, outcome: CellOutcome, tally: CellTally): Promise<CellResult> {
    const { plugins, survey } = this.#deps;
    const { bounds } = survey;
    return cellResult(this.#plan, cell, { outcome, tally, plugins, bounds });
  }

  async #add(result: CellResult): Promise<void> {
    this.#results.push(result);
    await this.#reporters.cell(result);
  }
}
