/**
 * Looking at a run while it goes on. Who looks after every block of repeats and stops at the first
 * difference finds one sooner or later where there is none. Look k therefore spends only 1 / (k (k + 1))
 * of the error that the run may make: over any number of looks these add up to 1, so that intervals
 * hold at all looks together, whenever the run ends (a union bound over looks, as in Robbins,
 * "Statistical methods related to the law of the iterated logarithm", 1970).
 */
import type { Until } from "../contract/plan.ts";

/** Share of the error that the intervals of a run of `repeats` repeats may use. */
export function errorShare(until: Until | undefined, repeats: number): number {
  if (until === undefined) return 1;
  const look = 1 + blockOf(until, repeats - 1);
  return 1 / (look * (look + 1));
}

/** Number of the block that a repeat belongs to, from 0; the run is looked at after each block. */
export function blockOf({ first, block }: Until, repeat: number): number {
  return repeat < first ? 0 : 1 + Math.floor((repeat - first) / block);
}
