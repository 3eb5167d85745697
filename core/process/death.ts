/** A process that ended before it was asked to: who, how, and what its log says. */
import { DynbenchError } from "../base/errors.ts";
import type { Explanation } from "../contract/processes.ts";

export interface Death {
  readonly name: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastLines: readonly string[];
  readonly logPath: string;
  /** What whoever started it reads in its log. */
  readonly reason?: Explanation;
}

/** How a process ended, in words. */
export function endOf(code: number | null, signal: string | null): string {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`;
}

/** A death as one error: who died (`what` says when), why as far as its log tells, what to try. */
export function deathError(death: Death, what = "died"): DynbenchError {
  const { name, code, signal, lastLines, logPath, reason } = death;
  const why = reason === undefined ? "" : `: ${reason.what}`;
  return new DynbenchError("load", `${name} ${what} (${endOf(code, signal)})${why}`, {
    hint: [...(reason === undefined ? [] : [reason.hint]), lastWords(lastLines, logPath)].join(
      "\n",
    ),
  });
}

export function lastWords(lines: readonly string[], logPath: string): string {
  return lines.length === 0
    ? `Its log is empty: ${logPath}`
    : `Last lines of ${logPath}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
