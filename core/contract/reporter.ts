/** The contract of a reporter: what is written about a run, and when. */
import type * as v from "valibot";
import type { Plan } from "./plan.ts";
import { API_VERSION, type OptionsSchema, type PluginBase } from "./plugin.ts";
import type { Logger } from "./processes.ts";
import type { CellResult, Progress, RunResult } from "./result.ts";

/** All methods are optional, and none may block for long. If one throws, the error is logged and the run continues. */
export interface ReporterHandle {
  /** At most four a second while load runs. */
  progress?(progress: Progress): void;
  /** After each cell, so that a later crash loses nothing. */
  cell?(result: CellResult): Promise<void> | void;
  /** Once, at the end, also of an interrupted run. `failed`: names of earlier reporters that could not write. */
  end?(run: RunResult, failed: readonly string[]): Promise<void> | void;
}

export interface ReporterContext {
  readonly runDir: string;
  readonly log: Logger;
  /** Results go here; logs and progress never. */
  readonly stdout: { write(text: string): void; readonly isTTY: boolean; readonly columns: number };
  readonly stderr: { write(text: string): void; readonly isTTY: boolean; readonly columns: number };
  readonly color: boolean;
  /** `--json`: stdout must carry the summary and nothing else. */
  readonly json: boolean;
}

export interface Reporter<Schema extends OptionsSchema = OptionsSchema> extends PluginBase<Schema> {
  readonly kind: "reporter";
  /** Creates its outputs before the run, so that a bad path fails at once. */
  open(
    options: v.InferOutput<Schema>,
    plan: Plan,
    context: ReporterContext,
  ): Promise<ReporterHandle> | ReporterHandle;
}

export function defineReporter<Schema extends OptionsSchema>(
  reporter: Omit<Reporter<Schema>, "kind">,
): Reporter<Schema> {
  return { kind: "reporter", apiVersion: API_VERSION, ...reporter };
}
