/** Lengths of prompts, answers and sessions: normal around a mean, never below 1. */
import type { RandomStream } from "../base/random.ts";

/** An integer of at least 1: a draw that rounds to less is drawn again. */
export function drawLength(mean: number, stddevShare: number, draws: RandomStream): number {
  for (let attempt = 0; attempt < MAX_REDRAWS; attempt += 1) {
    const drawn = Math.round(draws.normal(mean, mean * stddevShare));
    if (drawn >= 1) return drawn;
  }
  return mean;
}

/** If the deviation is as large as the mean, one draw in six is below half a token. */
const MAX_REDRAWS = 64;
