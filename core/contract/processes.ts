/** What a plugin is given when it starts: a log, a way to start processes, and a signal to stop. */
import type { PlaneSettings, PluginUse } from "./plan.ts";

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  debug(message: string): void;
}

/** Everything that a starting plugin may use, so that a test can replace it. */
export interface StartContext {
  /** Aborted on Ctrl-C, at a deadline, or when another process of the run fails. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly runDir: string;
  readonly processes: Processes;
  /** Address to which listeners of dynbench bind. */
  readonly host: string;
  /** How many copies of the router to start, if it can have several. */
  readonly replicas: number;
  /** Port of the router's first copy; the others take the following ports. Any free ports when left out. */
  readonly port?: number;
  readonly seed: number;
  /** The engine's `--python`: a program that is not on PATH may be in its environment. */
  readonly python?: string;
  /** Everything after `--`. */
  readonly engineArgs: readonly string[];
  /** Settings of plane "dynamo", if an arm is on it. */
  readonly planeSettings?: PlaneSettings;
  /** Headers of every request to a server that the user started: `--header`, and the API key. */
  readonly requestHeaders?: Readonly<Record<string, string>>;
}

/** Starts processes and ends them. If one dies unexpectedly, the cell is aborted, with the process's name and last log lines. */
export interface Processes {
  /** Starts this binary again to run `serve(options, task)` of the plugin `use`; resolves with its `ready`. */
  startSelf(
    name: string,
    use: PluginUse,
    task: unknown,
  ): Promise<ProcessHandle & { ready: unknown }>;
  /** Starts a foreign program in its own process group. The keeper process ends it if dynbench is killed. */
  startForeign(
    name: string,
    command: readonly string[],
    details?: ForeignDetails,
  ): Promise<ForeignProcess>;
}

export interface ForeignDetails {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Its end is no fault until `guard` is called, and the caller watches it: for a short task, or a slow start. */
  readonly isUnguarded?: boolean;
  /** Its stdin stays open until the run ends; otherwise it is empty. */
  readonly holdsStdin?: boolean;
  /** Why it ended, from its last log lines; undefined where they do not show it. Pure. */
  readonly explain?: (lines: readonly string[]) => Explanation | undefined;
}

/** Why a foreign program ended, and what to try. */
export interface Explanation {
  readonly what: string;
  readonly hint: string;
}

export interface ForeignProcess extends ProcessHandle {
  readonly logPath: string;
  /** From now on an end that was not requested aborts the cell, even if it has happened already. */
  guard(): void;
}

export interface ProcessHandle extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended for any reason. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** Its last log lines, newest last. */
  lastLines(count: number): readonly string[];
}

/** What `serve` is given in a child process of this binary. */
export interface ChildContext {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly host: string;
  readonly seed: number;
}
