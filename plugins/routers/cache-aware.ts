/**
 * SGLang's rule: follow the cached prefix while loads are even, balance once they are not.
 *
 *     max requests − min requests > balanceAbs and max > balanceRel · min  →  fewest requests
 *     longest match / isl > cacheThreshold                                 →  the longest match
 *     otherwise                                                            →  fewest requests
 *
 * Source: `cache_aware` of SGLang's router and its successor SMG (`policies/cache_aware.rs`, 2026),
 * command-line defaults .3 / 64 / 1.5 (as a library .5 / 32 / 1.1). There the match is found in a
 * tree of characters of what was sent to each worker; here it is whole blocks of the same belief,
 * so a match is short by up to a block. The bound is theirs: 67,108,864 characters, about four to a
 * token and 16 tokens to a block. Ties are random; of equal matches the less loaded one wins.
 */
import { chooseLeast, defineRouter, v, type RoutingPolicy, type RoutingView } from "dynbench";

const MAX_REQUESTS = 1e9;
/** Above this share a prompt that ends inside a block can no longer match itself. */
const SELF_MATCH_SHARE = 0.9;

export const cacheAware = defineRouter({
  name: "cache-aware",
  summary: "Longest predicted prefix while loads are even, else fewest requests (SGLang's rule)",
  plane: "http",
  options: v.strictObject({
    cacheThreshold: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.3),
      v.description("Share of the prompt that must match for the match to decide"),
      v.metadata({ tune: { from: 0, to: 1, scale: "linear" } }),
    ),
    balanceAbs: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_REQUESTS)), 64),
      v.description(
        "Requests in flight between the fullest and the emptiest worker that are still even",
      ),
      v.metadata({ tune: { from: 1, to: 256, scale: "log" } }),
    ),
    balanceRel: v.pipe(
      v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(MAX_REQUESTS)), 1.5),
      v.description(
        "Ratio of requests in flight between them that is still even; both must be exceeded",
      ),
      v.metadata({ tune: { from: 1, to: 4, scale: "linear" } }),
    ),
    maxTreeBlocks: v.pipe(
      v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1 << 24)), 1 << 20),
      v.description("Blocks remembered per worker; the least recently used leave"),
      v.metadata({ tune: { from: 1024, to: 1 << 22, scale: "log" } }),
    ),
  }),
  // A prefix that all prompts share draws them all to one worker while loads differ by less than
  // `balanceAbs`, so that the others may see nothing: that is the rule, not a fault.
  traits: ({ cacheThreshold }) => ({
    accepts: ["ids", "text", "chat"],
    affinity: cacheThreshold < SELF_MATCH_SHARE,
    spreads: false,
    kvEvents: false,
  }),
  policy: ({ cacheThreshold, balanceAbs, balanceRel, maxTreeBlocks }): RoutingPolicy => ({
    reads: ["overlap"],
    index: { source: "predicted", maxBlocksPerWorker: maxTreeBlocks },
    pick(request, view) {
      const { least, most } = rangeOf(view);
      const isUneven = most - least > balanceAbs && most > balanceRel * least;
      if (isUneven) return chooseLeast(view, view.requests);
      const deepest = deepestOf(view);
      const matchShare = (deepest * view.blockSize) / request.isl;
      if (!(matchShare > cacheThreshold)) return chooseLeast(view, view.requests);
      const eligible = view.eligible.filter((w) => view.overlapBlocks[w] === deepest);
      return chooseLeast({ eligible, random: view.random }, view.requests);
    },
  }),
});

function rangeOf({ eligible, requests }: RoutingView): { least: number; most: number } {
  let least = Infinity;
  let most = 0;
  for (const w of eligible) {
    least = Math.min(least, requests[w]!);
    most = Math.max(most, requests[w]!);
  }
  return { least, most };
}

function deepestOf({ eligible, overlapBlocks }: RoutingView): number {
  let deepest = 0;
  for (const w of eligible) deepest = Math.max(deepest, overlapBlocks[w]!);
  return deepest;
}
