/** A process that ended before it was asked to: its name, how it ended, why, and its last log lines. */
import { DynbenchError } from "../base/errors.ts";
import { firstError } from "./first-error.ts";
import type { Explanation } from "../contract/processes.ts";

export interface Death {
  readonly name: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastLines: readonly string[];
  readonly logPath: string;
  /** As `reasonIn` finds it. */
  readonly reason?: Explanation;
}

/**
 * Why a process ended: as the code that started it explains its log, else the first error there. The log
 * of one that was killed ends before it: an error in it is an older one.
 */
export function reasonIn(
  lines: readonly string[],
  {
    explain,
    signal,
  }: {
    explain?: ((lines: readonly string[]) => Explanation | undefined) | undefined;
    signal?: string | null | undefined;
  } = {},
): Explanation | undefined {
  const known = explain?.(lines);
  const first = signal === "SIGKILL" ? undefined : firstError(lines);
  if (known === undefined) {
    return first === undefined
      ? undefined
      : { what: first, hint: "Read the lines before it in its log" };
  }
  const isShown = first === undefined || `${known.what} ${known.hint}`.includes(first);
  return isShown ? known : { what: known.what, hint: `${known.hint}. It wrote: ${first}` };
}

/** How a process ended: `exit code 7`, `killed by SIGKILL`. */
export function endOf(code: number | null, signal: string | null): string {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`;
}

/** A death as one error: which process (`what`: and when), the reason as far as its log shows it, what to try. */
export function deathError(death: Death, what = "died"): DynbenchError {
  const { name, code, signal, lastLines, logPath, reason } = death;
  const why = reason === undefined ? "" : `: ${reason.what}`;
  return new DynbenchError("load", `${name} ${what} (${endOf(code, signal)})${why}`, {
    hint: [nextStep(death), lastWords(lastLines, logPath)].filter(Boolean).join("\n"),
  });
}

/** What to try after it; undefined where that is to read its log. */
export function nextStep({ reason, signal }: Death): string | undefined {
  if (reason !== undefined || signal !== "SIGKILL") return reason?.hint;
  return "Something else killed it: look in dmesg whether memory ran out";
}

export function lastWords(lines: readonly string[], logPath: string): string {
  if (lines.length === 0) return `Its log is empty: ${logPath}`;
  const shown = lines.map((line) =>
    line.length <= SHOWN_CHARACTERS ? `  ${line}` : `  ${line.slice(0, SHOWN_CHARACTERS)}…`,
  );
  return `Last lines of ${logPath}:\n${shown.join("\n")}`;
}

/** Of a line: beyond are identifiers of requests. */
const SHOWN_CHARACTERS = 240;
