/** Waits until a foreign server serves, which may take minutes; throws the reason when it never will. */
import { EXPLAINED_LINES, LAST_LINES } from "./lines.ts";
import { endOf, lastWords, reasonIn } from "./death.ts";
import { logLastLine } from "./task.ts";
import { DynbenchError, messageOf } from "../base/errors.ts";
import type { Explanation, ForeignProcess, Logger } from "../contract/processes.ts";

/** Loading takes seconds to minutes: half a second more is not felt, and polling costs nothing. */
const POLL_MS = 250;

export interface Readiness {
  /** Resolves once it serves; a rejection means "not yet". */
  isUp(): Promise<unknown>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly explain?: (lines: readonly string[]) => Explanation | undefined;
}

/** Resolves when `isUp` does; throws when the program ends before, or the limit passes. */
export async function untilReady(program: ForeignProcess, readiness: Readiness): Promise<void> {
  const { signal, limitMs, log } = readiness;
  const limit = AbortSignal.timeout(limitMs);
  let end: Awaited<ForeignProcess["exited"]> | undefined;
  void program.exited.then((exit) => (end = exit));
  using _ = logLastLine(program, log);
  let last: unknown;
  for (;;) {
    signal.throwIfAborted();
    if (end !== undefined) {
      const { signal: killer } = end;
      const state = `it ended (${endOf(end.code, killer)})`;
      throw startFault(program, { ...readiness, killer }, state);
    }
    if (limit.aborted) {
      const state = last === undefined ? "" : `: ${messageOf(last)}`;
      throw startFault(program, readiness, `not ready after ${limitMs / 1000} s${state}`);
    }
    try {
      await readiness.isUp();
      return;
    } catch (error) {
      last = error;
    }
    await Promise.race([Bun.sleep(POLL_MS), program.exited]);
  }
}

/** The error of a program that does not serve, with the reason in its log. */
export function startFault(
  program: ForeignProcess,
  { explain, killer }: Pick<Readiness, "explain"> & { readonly killer?: string | null },
  state: string,
): DynbenchError {
  const lines = program.lastLines(EXPLAINED_LINES);
  const reason = reasonIn(lines, { explain, signal: killer });
  const words = lastWords(lines.slice(-LAST_LINES), program.logPath);
  return new DynbenchError(
    "start",
    `Cannot start ${program.name}: ${state}${reason === undefined ? "" : `: ${reason.what}`}`,
    { hint: reason === undefined ? words : `${reason.hint}\n${words}` },
  );
}
