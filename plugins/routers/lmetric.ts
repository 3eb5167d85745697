/**
 * LMetric: new prefill tokens times batch size. Either factor alone would need a weight against the
 * other; in a product weights cancel, so there is nothing to tune.
 *
 *     P(w)     = outstanding prefill tokens(w) + max(1, isl − cached tokens(w))
 *     BS(w)    = requests in flight(w) + 1
 *     score(w) = P(w) · BS(w)                    least score wins, ties at random
 *
 * Source: Zhang et al., "Simple is better: multiplication may be all you need for LLM request
 * scheduling" (OSDI 2026, arXiv 2603.15202, §5): P-token, the new prefill tokens of the instance if
 * the request is routed there, with those that are queued; BS, its running and queued requests with
 * this one. The cache is what KV events report. Not here: the detector of prefixes so
 * popular that their workers drown (§5.2), which its traces never needed.
 *
 * The last prompt token is computed in any case, hence max(1, …): without it a prompt that is cached
 * whole would score 0 on a worker of any load. A decode worker has nothing to prefill, and is picked
 * by its batch alone.
 */
import { chooseLeast, defineRouter, v, type RoutingPolicy } from "dynbench";

export const lmetric = defineRouter({
  name: "lmetric",
  summary: "Least product of new prefill tokens and batch size, from KV events (LMetric)",
  plane: "http",
  options: v.strictObject({}),
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: true,
    spreads: true,
    kvEvents: true,
  }),
  policy: (): RoutingPolicy => ({
    reads: ["overlap"],
    index: { source: "events" },
    pick({ isl, stage }, view) {
      const { eligible, requests, prefillTokens, overlapBlocks, blockSize, scores } = view;
      for (const w of eligible) {
        const batch = requests[w]! + 1;
        const fresh = Math.max(1, isl - overlapBlocks[w]! * blockSize);
        scores[w] = stage === "decode" ? batch : (prefillTokens[w]! + fresh) * batch;
      }
      return chooseLeast(view, scores);
    },
  }),
});
