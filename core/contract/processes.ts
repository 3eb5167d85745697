/** What a plugin gets when it starts: how it logs, starts processes, and is stopped. */
import type { PlaneSettings, PluginUse } from "./plan.ts";

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  debug(message: string): void;
}

/** Everything a starting plugin may touch, so that a test can give it a fake. */
export interface StartContext {
  /** Aborted on Ctrl-C, a deadline, or when a sibling fails. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly runDir: string;
  readonly processes: Processes;
  /** Address our own listeners bind. */
  readonly host: string;
  /** Copies of a router that are wanted, where it can have several. */
  readonly replicas: number;
  /** Of the first copy of the router, the next one's is the next; any free ones when left out. */
  readonly port?: number;
  readonly seed: number;
  /** The engine's `--python`: what is not on PATH may be in its environment. */
  readonly python?: string;
  /** Everything after `--`. */
  readonly engineArgs: readonly string[];
  /** Of plane "dynamo", where an arm is on it. */
  readonly planeSettings?: PlaneSettings;
  /** What every request to a server of the user's own carries: `--header`, and the API key. */
  readonly requestHeaders?: Readonly<Record<string, string>>;
}

/** Starts processes whose end is ours. A process that dies unasked aborts the cell, by name, with its last lines. */
export interface Processes {
  /** This binary again, running `use`'s `serve(options, task)`; resolves with what that says in `ready`. */
  startSelf(
    name: string,
    use: PluginUse,
    task: unknown,
  ): Promise<ProcessHandle & { ready: unknown }>;
  /** A foreign program, in its own process group, under the keeper. */
  startForeign(
    name: string,
    command: readonly string[],
    details?: ForeignDetails,
  ): Promise<ForeignProcess>;
}

export interface ForeignDetails {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Its end is noticed by whoever started it, until `guard` is called: a short task, or a slow start. */
  readonly isUnguarded?: boolean;
  /** Its stdin stays open for as long as the run lives; else it is empty. */
  readonly holdsStdin?: boolean;
  /** What its last log lines say of why it ended; pure. */
  readonly explain?: (lines: readonly string[]) => Explanation | undefined;
}

/** Why a foreign program ended, and what to try. */
export interface Explanation {
  readonly what: string;
  readonly hint: string;
}

export interface ForeignProcess extends ProcessHandle {
  readonly logPath: string;
  /** From now on an end that nobody asked for is a death, also one that was before. */
  guard(): void;
}

export interface ProcessHandle extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended, however. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  /** Its last lines, newest last. */
  lastLines(count: number): readonly string[];
}

/** What a child of this binary gets. */
export interface ChildContext {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly host: string;
  readonly seed: number;
}
