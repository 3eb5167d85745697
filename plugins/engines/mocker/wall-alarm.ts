/**
 * Wakes the worker loop at absolute instants of the wall clock, usually a tenth of a millisecond
 * late and never early. Bun's timers count whole milliseconds and are up to one late, which is a
 * good part of a step at a high speedup; so the last fraction of a millisecond is slept through in
 * one blocking wait, which costs no CPU. A request that arrives in it would have had to wait for the
 * end of the step anyway.
 */
import { monotonicNs } from "dynbench/engine";

/** A clock with one alarm. */
export interface Alarm {
  nowNs(): number;
  /** Calls `ring` once at or after that time, unless it is set again or stopped before. Replaces an earlier alarm. */
  set(atNs: number, ring: () => void): void;
  stop(): void;
}

/** The longest the event loop is blocked at once. */
const LONGEST_BLOCK_NS = 1_000_000;
/** The longest delay that `setTimeout` takes. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export function wallAlarm(): Alarm {
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  let timer: ReturnType<typeof setTimeout> | undefined;
  let immediate: ReturnType<typeof setImmediate> | undefined;

  const stop = (): void => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
  const set = (atNs: number, ring: () => void): void => {
    stop();
    const tick = (): void => {
      const leftNs = atNs - monotonicNs();
      if (leftNs > LONGEST_BLOCK_NS) return set(atNs, ring);
      if (leftNs > 0) Atomics.wait(asleep, 0, 0, leftNs / 1e6);
      ring();
    };
    const waitMs = Math.min(LONGEST_TIMEOUT_MS, Math.floor((atNs - monotonicNs()) / 1e6));
    // Even a step that is due goes through the event loop, so that sockets are served between steps.
    if (waitMs < 1) immediate = setImmediate(tick);
    else timer = setTimeout(tick, waitMs);
  };
  return { nowNs: monotonicNs, set, stop };
}
