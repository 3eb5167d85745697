/**
 * How many requests in flight the limit on open files allows. Bun raises the soft limit to the hard
 * one when it starts, so what counts is `ulimit -Hn`; children and foreign programs inherit it.
 *
 * A gateway without a descriptor left accepts nothing more and reports nothing: its clients wait until
 * their time is out. So a run that could meet the limit is refused before it starts.
 */
import { readFileSync } from "node:fs";

/** Libraries, logs, event loop, listeners and idle connections of one process. */
const OWN_FILES = 64;
/** A gateway holds for each worker its KV events and their replay, and looks after it. */
const FILES_PER_WORKER = 4;
const USUAL_WORKERS = 8;

/** This process's limit, which is Infinity for "unlimited"; undefined where the system does not report it. */
export function openFileLimit(): number | undefined {
  try {
    return parseOpenFileLimit(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return undefined;
  }
}

/** The soft limit of /proc/PID/limits. Pure. */
export function parseOpenFileLimit(text: string): number | undefined {
  const match = /^Max open files +(\d+|unlimited) +(?:\d+|unlimited) +files/m.exec(text);
  if (!match) return undefined;
  return match[1] === "unlimited" ? Infinity : Number(match[1]);
}

/**
 * Requests in flight that fit. A router between client and workers holds two connections for each,
 * and is the first to be full. Pure.
 */
export function concurrencyWithin(
  limit: number,
  { hasRouter, workers = USUAL_WORKERS }: { hasRouter: boolean; workers?: number },
): number {
  const free = limit - OWN_FILES - FILES_PER_WORKER * workers;
  return Math.max(0, Math.floor(free / (hasRouter ? 2 : 1)));
}
