/**
 * Where possible cache hits were lost, step by step: the share that any router could have reached on
 * these requests, the part that some worker held when the router decided, the part that the router
 * expected on the worker it chose, and the part that the engine found. The losses and what was found
 * add up to the ideal. Also how evenly the work was spread over the workers.
 */
import type { CellCache, WorkerShare } from "../contract/result.ts";

export type LossName = "absent" | "choice" | "unmet" | "unreached" | "unseen";

export interface HitLoss {
  readonly name: LossName;
  /** Share of prompt tokens. Below zero: more was found than expected. */
  readonly share: number;
}

/** Shares of prompt tokens, 0 to 1. */
export interface HitLadder {
  readonly ideal: number;
  /** In the order in which they happen; ideal − Σ losses = found. */
  readonly losses: readonly HitLoss[];
  readonly found: number;
}

/** The meaning of each loss, for tables and charts. */
export const LOSSES: Readonly<Record<LossName, { readonly label: string; readonly why: string }>> =
  {
    absent: {
      label: "in no cache",
      why: "no worker held it when the router decided, as far as it knew: evicted, or still being computed for another request",
    },
    choice: {
      label: "other worker",
      why: "a worker held it, and the router chose another one, for its load or by its rule",
    },
    unmet: {
      label: "not found",
      why: "the router expected it where it sent the request, and the engine did not find it: evicted meanwhile, or never there",
    },
    unseen: {
      label: "not expected",
      why: "the router expected less where it sent the request than was possible: held elsewhere, or nowhere",
    },
    unreached: {
      label: "not reached",
      why: "this router does not look at caches, so losses by routing and by eviction cannot be separated",
    },
  };

/** Undefined where the engine does not report what it found. */
export function hitLadder(cache: CellCache): HitLadder | undefined {
  const { idealShare: ideal, cachedShare: found, expectedShare, presentShare } = cache;
  if (found === undefined) return undefined;
  const loss = (name: LossName, from: number, to: number): HitLoss => ({ name, share: from - to });
  if (expectedShare === undefined)
    return { ideal, losses: [loss("unreached", ideal, found)], found };
  const before =
    presentShare === undefined
      ? [loss("unseen", ideal, expectedShare)]
      : [loss("absent", ideal, presentShare), loss("choice", presentShare, expectedShare)];
  return { ideal, losses: [...before, loss("unmet", expectedShare, found)], found };
}

/** Means over repeats, which still add up. Undefined where a repeat has no ladder, or other steps. */
export function meanLadder(caches: readonly CellCache[]): HitLadder | undefined {
  const ladders = caches.map(hitLadder).filter((one) => one !== undefined);
  const [first] = ladders;
  if (first === undefined || ladders.length < caches.length) return undefined;
  const mean = (of: (ladder: HitLadder) => number): number =>
    ladders.reduce((sum, ladder) => sum + of(ladder), 0) / ladders.length;
  if (!ladders.every(({ losses }) => losses.length === first.losses.length)) return undefined;
  return {
    ideal: mean(({ ideal }) => ideal),
    losses: first.losses.map(({ name }, i) => ({
      name,
      share: mean(({ losses }) => losses[i]!.share),
    })),
    found: mean(({ found }) => found),
  };
}

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

/** How unevenly a quantity was spread over workers: 0 and 1 when each had the same. */
export interface Imbalance {
  /** Standard deviation (over n) / mean. */
  readonly cv: number;
  readonly maxOverMean: number;
}

/** Imbalance of requests and of tokens to prefill; undefined where the total is zero. */
export function workerImbalance(workers: readonly WorkerShare[]): {
  requests: Imbalance | undefined;
  uncachedTokens: Imbalance | undefined;
} {
  return {
    requests: imbalanceOf(workers.map((worker) => worker.requests)),
    uncachedTokens: imbalanceOf(workers.map((worker) => worker.promptTokens - worker.cachedTokens)),
  };
}

function imbalanceOf(amounts: readonly number[]): Imbalance | undefined {
  const total = amounts.reduce((sum, amount) => sum + amount, 0);
  if (total <= 0) return undefined;
  const mean = total / amounts.length;
  const variance = amounts.reduce((sum, amount) => sum + (amount - mean) ** 2, 0) / amounts.length;
  return { cv: Math.sqrt(variance) / mean, maxOverMean: Math.max(...amounts) / mean };
}
