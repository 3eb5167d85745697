/** How a fault looks on the terminal: what, where, and what to try. No stack, unless it is ours. */
import { DynbenchError, EXIT_CODES, firstCause, PlanFaults } from "../errors.ts";

/** The text for stderr and the exit code. */
export function faultText(error: unknown, debug: boolean): { text: string; exitCode: number } {
  const cause = firstCause(error);
  if (cause instanceof PlanFaults) {
    const count = cause.faults.length;
    const lines = cause.faults.flatMap(({ path, message, hint }) => [
      `  ${path}: ${message}`,
      ...(hint ? [`    ${hint}`] : []),
    ]);
    const heading = count === 1 ? "The command has a fault:" : `The command has ${count} faults:`;
    return { text: `${heading}\n${lines.join("\n")}\n`, exitCode: cause.exitCode };
  }
  if (cause instanceof DynbenchError) {
    const hint = cause.hint ? `\n${cause.hint}` : "";
    const stack = debug && cause.stack ? `\n${cause.stack}` : "";
    return { text: `${cause.message}${hint}${stack}\n`, exitCode: cause.exitCode };
  }
  const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return {
    text: `A bug in dynbench, please report it with these lines:\n${stack}\n`,
    exitCode: EXIT_CODES.bug.code,
  };
}
