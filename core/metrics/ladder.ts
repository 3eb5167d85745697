/**
 * Where the hit share was lost, rung by rung: what any router could have reached on these requests,
 * what the router expected where it sent them, what the engine delivered. The first step down is
 * the router's choice (it preferred an idle worker, or did not know better), the second is the
 * engine's (evicted, or never stored). Beside it how evenly the work fell.
 */
import type { WorkerShare } from "./result.ts";

export interface LadderInput {
  readonly idealShare: number;
  /** Prompt tokens of the measured, completed requests. */
  readonly promptTokens: number;
  /** Σ overlap that the router predicted on the workers it chose, in tokens; left out where unknown. */
  readonly predictedTokens?: number;
  /** Σ cached tokens that the engine reported; left out where unknown. */
  readonly cachedTokens?: number;
}

/** Shares of prompt tokens, 0 to 1. A loss below zero means more was found than expected. */
export interface HitLadder {
  readonly ideal: number;
  readonly predicted?: number;
  readonly delivered?: number;
  /** ideal − predicted: given up when the worker was chosen. */
  readonly lostByRouting?: number;
  /** predicted − delivered: expected, and not found. */
  readonly lostByEngine?: number;
}

export function hitLadder(input: LadderInput): HitLadder {
  const share = (tokens: number | undefined): number | undefined =>
    tokens === undefined || input.promptTokens === 0 ? undefined : tokens / input.promptTokens;
  const predicted = share(input.predictedTokens);
  const delivered = share(input.cachedTokens);
  return {
    ideal: input.idealShare,
    ...(predicted === undefined ? {} : { predicted, lostByRouting: input.idealShare - predicted }),
    ...(delivered === undefined ? {} : { delivered }),
    ...(predicted === undefined || delivered === undefined
      ? {}
      : { lostByEngine: predicted - delivered }),
  };
}

/** How unevenly a quantity fell on workers: 0 and 1 when each had the same. */
export interface Imbalance {
  /** Standard deviation (over n) / mean. */
  readonly cv: number;
  readonly maxOverMean: number;
}

/** Imbalance of requests and of tokens to prefill; undefined where there is none to share. */
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
