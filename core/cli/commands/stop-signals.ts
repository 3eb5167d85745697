/** The signals that stop a run and keep its results. */
import { readFileSync } from "node:fs";

const HANG_UP_BIT = 1n;

/** Under `nohup` SIGHUP is ignored and is not one of them: a handler would undo that. */
export function stopSignals(): readonly NodeJS.Signals[] {
  return ignoresHangUp(readStatus()) ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];
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
