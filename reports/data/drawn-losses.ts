/** The steps of a hit ladder as a chart can draw them: none below zero, and adding up. */
import type { HitLadder, HitLoss } from "../../core/metrics/ladder.ts";

/**
 * The losses as they are drawn, from the ideal down to what was found. Where more was found than was
 * expected, the surplus is taken off the losses before, so that bars end at the ideal.
 */
export function drawnLosses({ ideal, losses, found }: HitLadder): HitLoss[] {
  let level = ideal;
  return losses.map(({ name, share }) => {
    const from = level;
    level -= share;
    return { name, share: Math.max(0, from - Math.max(level, found)) };
  });
}
