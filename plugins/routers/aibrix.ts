/**
 * AIBrix's `prefix-cache`: the longest match among workers that are not too busy, and under imbalance
 * none but the least busy ones.
 *
 *     max requests − min requests > imbalanceAbs  →  only workers with the fewest requests may match
 *     of those with a match, and requests ≤ mean + deviations · σ
 *                                                 →  the largest match, then the fewest requests
 *     none is left                                →  the fewest requests
 *
 * Matches are compared in whole percent of the prompt; further ties are random. σ is the standard
 * deviation of a sample (n − 1), like the mean over all workers.
 *
 * Source: vllm-project/aibrix at e3e10f9 of 2026-08-22 (after 0.7.0),
 * pkg/plugins/gateway/algorithms/prefix_cache.go. Its code has 8 and 1 for the two limits; its
 * manifests and its readme set 16 and 2, and are the defaults here. Requests are those in flight
 * through the gateway, there as here. The match is that of its own decisions, in one table of
 * 200,000 blocks of 128 characters (pkg/utils/prefixcacheindexer/hash.go, sizes as in the
 * manifests), where a block leaves 20 minutes after its last use. At four characters to a token this
 * is 100,000 blocks of 64 tokens; here each worker has that many.
 */
import { chooseLeast, defineRouter, v, type RoutingPolicy, type RoutingView } from "dynbench";
import { seconds, whole, within } from "../shared/option-shapes.ts";

export const aibrix = defineRouter({
  name: "aibrix",
  summary: "Longest predicted prefix among workers within σ of the mean load (AIBrix's rule)",
  plane: "http",
  options: v.strictObject({
    imbalanceAbs: v.pipe(
      v.optional(within(0, 1e9), 16),
      v.description(
        "Requests in flight between the busiest and the least busy worker that are still even",
      ),
      v.metadata({ tune: { from: 1, to: 256, scale: "log" } }),
    ),
    deviations: v.pipe(
      v.optional(within(0, 1e6), 2),
      v.description("Standard deviations above the mean load up to which a match may win"),
      v.metadata({ tune: { from: 0, to: 4, scale: "linear" } }),
    ),
    maxBlocks: v.pipe(
      v.optional(whole(1, 1 << 24), 100_000),
      v.description("Blocks remembered per worker; the least recently used leave"),
      v.metadata({ tune: { from: 1024, to: 1 << 20, scale: "log" } }),
    ),
    ttlS: v.pipe(
      v.optional(seconds, 1200),
      v.description("Seconds that a prompt is believed cached after its last use"),
      v.metadata({ tune: { from: 5, to: 3600, scale: "log" } }),
    ),
  }),
  // While loads are even a prefix that all prompts share draws them all to one worker.
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: true,
    spreads: false,
    kvEvents: false,
  }),
  policy: ({ imbalanceAbs, deviations, maxBlocks, ttlS }): RoutingPolicy => ({
    reads: ["overlap"],
    index: { source: "predicted", ttlMs: ttlS * 1000, maxBlocksPerWorker: maxBlocks },
    pick({ blocks }, view) {
      const { least, most, mean, deviation } = loadsOf(view);
      const limit = most - least > imbalanceAbs ? least : mean + deviations * deviation;
      return bestMatch(view, limit, blocks.length) ?? chooseLeast(view, view.requests);
    },
  }),
});

/** Among workers with a match and at most `limit` requests; undefined where there is none. */
function bestMatch(view: RoutingView, limit: number, promptBlocks: number): number | undefined {
  const { eligible, requests, overlapBlocks, random } = view;
  let best: number | undefined;
  let bestPercent = 0;
  let tied = 1;
  for (const w of eligible) {
    if (overlapBlocks[w] === 0 || requests[w]! > limit) continue;
    const percent = Math.floor((100 * overlapBlocks[w]!) / promptBlocks);
    const ahead = best === undefined ? 1 : percent - bestPercent || requests[best]! - requests[w]!;
    if (ahead > 0) tied = 1;
    else if (ahead < 0) continue;
    else tied += 1;
    // Reservoir of one: the k-th of the tied takes the place with probability 1/k.
    if (tied > 1 && random.int(tied) > 0) continue;
    best = w;
    bestPercent = percent;
  }
  return best;
}

function loadsOf({ eligible, requests }: RoutingView): {
  least: number;
  most: number;
  mean: number;
  deviation: number;
} {
  let least = Infinity;
  let most = 0;
  let sum = 0;
  for (const w of eligible) {
    least = Math.min(least, requests[w]!);
    most = Math.max(most, requests[w]!);
    sum += requests[w]!;
  }
  const mean = sum / eligible.length;
  let squares = 0;
  for (const w of eligible) squares += (requests[w]! - mean) * (requests[w]! - mean);
  const deviation = eligible.length > 1 ? Math.sqrt(squares / (eligible.length - 1)) : 0;
  return { least, most, mean, deviation };
}
