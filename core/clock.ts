/** The one place that reads the machine's clock. */

/** Monotonic nanoseconds since an arbitrary start, equal across the processes of one machine. */
export function monotonicNs(): number {
  // CLOCK_MONOTONIC: 2^53 ns are 104 days of uptime times 1; beyond that a float keeps 2 ns steps.
  return Number(process.hrtime.bigint());
}

/** Unix epoch in milliseconds, for names of folders and stamps in files; never for durations. */
export function epochMs(): number {
  return Date.now();
}
