/** Lengths of prompts, answers and sessions: normal around a mean, never below 1. */
import type { RandomStream } from "../base/random.ts";

/** Whole and at least 1; drawn again while it is below half a token. */
export function drawLength(mean: number, stddevShare: number, draws: RandomStream): number {
  for (let attempt = 0; attempt < MAX_REDRAWS; attempt += 1) {
    const drawn = Math.round(draws.normal(mean, mean * stddevShare));
    if (drawn >= 1) return drawn;
  }
  return mean;
}

/** At a deviation as large as the mean one draw in six is below half a token. */
const MAX_REDRAWS = 64;
