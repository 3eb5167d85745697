/** The one place that reads the machine's clock. */

/**
 * Monotonic nanoseconds since this process started (so does `hrtime` under Bun 1.4.5, unlike Node).
 * To compare stamps of two processes add each one's `monotonicOriginMs`.
 */
export function monotonicNs(): number {
  return Bun.nanoseconds();
}

/**
 * Unix epoch of `monotonicNs() === 0` in milliseconds with fraction; within 0.01 ms of
 * CLOCK_REALTIME as measured, so stamps of two processes of one machine can be compared.
 */
export function monotonicOriginMs(): number {
  return performance.timeOrigin;
}

/** Unix epoch in milliseconds, for names of folders and stamps in files; never for durations. */
export function epochMs(): number {
  return Date.now();
}
