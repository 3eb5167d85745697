/** Signals that stop a run and keep what was measured. */
import { readFileSync } from "node:fs";

const HANG_UP_BIT = 1n;

/** Under `nohup` a hang-up is not among them: its handler would undo what the user asked for. */
export function stopSignals(): readonly NodeJS.Signals[] {
  return ignoresHangUp(readStatus()) ? ["SIGINT", "SIGTERM"] : ["SIGINT", "SIGTERM", "SIGHUP"];
}

/** By SigIgn of /proc/PID/status, a mask in hexadecimal whose lowest bit is signal 1. Pure. */
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
