/** Median duration of a short piece of work, after the compiler has warmed up. */

const ROUNDS = 2000;

/** Microseconds. */
export function medianUs(work: () => unknown): number {
  const durations = new Float64Array(ROUNDS);
  for (let warming = 0; warming < ROUNDS; warming += 1) work();
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = Bun.nanoseconds();
    work();
    durations[round] = Bun.nanoseconds() - start;
  }
  return durations.sort()[ROUNDS / 2]! / 1000;
}
