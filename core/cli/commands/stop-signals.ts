/** The signals that stop a run and keep its results. */
import { readFileSync } from "node:fs";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";

const HANG_UP_BIT = 1n;

/** Under `nohup` SIGHUP is ignored and is not one of them: a handler would undo that. */
export function stopSignals(): readonly NodeJS.Signals[] {
  return ignoresHangUp(readStatus()) ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];
}

/** The first signal aborts, after `message` has been printed. The second exits at once; children end when their stdin closes. */
export function onInterrupt(interrupt: AbortController, message: string): Disposable {
  const signals = stopSignals();
  const handle = (): void => {
    if (interrupt.signal.aborted) process.exit(EXIT_CODES.interrupted.code);
    process.stderr.write(`\n${message} Press Ctrl-C again to stop at once.\n`);
    interrupt.abort(new DynbenchError("interrupted", "Interrupted"));
  };
  for (const signal of signals) process.on(signal, handle);
  return {
    [Symbol.dispose]: () => {
      for (const signal of signals) process.off(signal, handle);
    },
  };
}

/** Reads the field SigIgn of /proc/PID/status, a hexadecimal mask whose lowest bit is signal 1. Pure. */
export function ignoresHangUp(status: string): boolean {
  const mask = /^SigIgn:\t([0-9a-f]{16})$/m.exec(status)?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & HANG_UP_BIT) !== 0n;
}

function readStatus(): string {
  try {
    return readFileSync("/proc/self/status", "utf8");
  } catch {
    return ""; // no Linux
  }
}
