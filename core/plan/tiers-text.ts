/** The text of `--tiers`: `low=0.5:0,medium=0.3:1,high=0.2:2`, each NAME=SHARE or NAME=SHARE:PRIORITY. */
import type { Tier } from "../contract/plan.ts";

/** More would fill no table that anyone reads. */
const MAX_TIERS = 32;
/** Shares are written by hand: 0.33,0.33,0.34 must do, and 0.5,0.3 is a slip. */
const SHARE_TOLERANCE = 1e-6;
/** What Dynamo's `agent_hints.priority`, an i32, holds (1.6). */
const MAX_PRIORITY = 2 ** 31 - 1;

/** The tiers, or what is wrong with the text and what to write. */
export function parseTiers(text: string): readonly Tier[] | { fault: string; hint: string } {
  const hint = "--tiers low=0.5:0,medium=0.3:1,high=0.2:2, each NAME=SHARE or NAME=SHARE:PRIORITY";
  const tiers: Tier[] = [];
  for (const item of text.split(",")) {
    const tier = tierOf(item.trim());
    if (tier === undefined) return { fault: `expected NAME=SHARE:PRIORITY, got "${item}"`, hint };
    if (tiers.some(({ name }) => name === tier.name)) {
      return { fault: `has "${tier.name}" twice`, hint };
    }
    tiers.push(tier);
  }
  if (tiers.length > MAX_TIERS) {
    return { fault: `has ${tiers.length} tiers, more than ${MAX_TIERS}`, hint };
  }
  const sum = tiers.reduce((total, { share }) => total + share, 0);
  if (Math.abs(sum - 1) > SHARE_TOLERANCE) {
    return { fault: `has shares that add up to ${Number(sum.toPrecision(6))}, not to 1`, hint };
  }
  return tiers;
}

function tierOf(text: string): Tier | undefined {
  const [, name, share, priority] =
    /^([\w.-]{1,40})\s*=\s*(\d+\.?\d*|\.\d+)(?::(-?\d{1,10}))?$/.exec(text) ?? [];
  if (name === undefined || !(Number(share) > 0)) return undefined;
  if (priority === undefined) return { name, share: Number(share) };
  if (Math.abs(Number(priority)) > MAX_PRIORITY) return undefined;
  return { name, share: Number(share), priority: Number(priority) };
}
