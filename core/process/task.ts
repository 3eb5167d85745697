/** A foreign program that runs to its end before the run goes on: a probe, a download. */
import { EXPLAINED_LINES } from "./lines.ts";
import { DynbenchError } from "../base/errors.ts";
import type { Logger, Processes } from "../contract/processes.ts";

export interface ForeignTask {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly holdsStdin?: boolean;
  readonly signal: AbortSignal;
  readonly limitMs: number;
  /** Gets its last line from time to time, for one that takes long. */
  readonly log?: Logger;
}

export interface TaskEnd {
  readonly code: number | null;
  /** Of stdout and stderr together, as far as the end of its log goes. */
  readonly lines: readonly string[];
}

/** Runs it to its end, whatever that is; throws when it does not end in time or cannot be started. */
export async function runForeign(processes: Processes, task: ForeignTask): Promise<TaskEnd> {
  const { name, command, env = {}, holdsStdin = false, limitMs, log } = task;
  const details = { env, holdsStdin, isUnguarded: true };
  await using program = await processes.startForeign(name, command, details);
  const limit = AbortSignal.timeout(limitMs);
  const stopped = Promise.withResolvers<undefined>();
  const stop = (): void => stopped.resolve(undefined);
  for (const signal of [task.signal, limit]) signal.addEventListener("abort", stop, { once: true });
  const lastLine = log && logLastLine(program, log);
  const end = await Promise.race([program.exited, stopped.promise]);
  lastLine?.[Symbol.dispose]();
  task.signal.removeEventListener("abort", stop);
  task.signal.throwIfAborted();
  if (end) return { code: end.code, lines: program.lastLines(EXPLAINED_LINES) };
  throw new DynbenchError("start", `${name} did not end within ${limitMs / 1000} s`, {
    hint: `It was: ${command.join(" ")}`,
  });
}

/**
 * The results of several tasks, begun at once. Where one fails, the signal of all is aborted, and its
 * fault is thrown once the others have ended too: nothing of them is left.
 */
export async function allOrNone<const Parts extends readonly Promise<unknown>[]>(
  signal: AbortSignal,
  begin: (signal: AbortSignal) => Parts,
): Promise<{ -readonly [Part in keyof Parts]: Awaited<Parts[Part]> }> {
  const stop = new AbortController();
  const parts = begin(AbortSignal.any([signal, stop.signal]));
  try {
    return await Promise.all(parts);
  } catch (fault) {
    stop.abort(fault);
    await Promise.allSettled(parts);
    throw fault;
  }
}

/** How often a line of a slow program is repeated on the screen. */
const LOG_INTERVAL_MS = 10_000;
/** A progress bar or a traceback's line is longer than anybody reads while waiting. */
const LOGGED_CHARACTERS = 160;

/** Logs the last line of a program's log whenever it has changed, until disposed. */
export function logLastLine(
  program: { readonly name: string; lastLines(count: number): readonly string[] },
  log: Logger,
): Disposable {
  let logged = "";
  const timer = setInterval(() => {
    const line = program.lastLines(1)[0]?.trim() ?? "";
    if (line === logged || line === "") return;
    logged = line;
    log.info(`${program.name}: ${line.slice(0, LOGGED_CHARACTERS)}`);
  }, LOG_INTERVAL_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
