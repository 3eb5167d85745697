/**
 * Mooncake's Conductor: the worker with the least estimated time to the first token, from the prefill
 * that waits there and the prefill that the prompt needs there.
 *
 *     prefill(L, p) = (L − p) + (L² − p²) / attentionTokens     prompt of L tokens, p of them cached
 *     TTFT(w)       = Σ prefill of the requests at w without a first token + prefill(isl, cached(w))
 *
 * Least estimate wins, ties at random. The unit is the time of one token without attention: a
 * constant speed changes no comparison. Source: Qin et al., "Mooncake: trading more storage for less
 * computation" (FAST 2025, arXiv 2407.00079), §4.1 and algorithm 1. Its estimate of prefill is a
 * polynomial of length and match fitted to measurements that are not published; here it is its
 * equation 1, l · (a·n²·d + b·n·d²), whose a = 4, b = 22 and d = 8192 for LLaMA3-70B (table 1) make
 * attentionTokens = b·d / a = 45,056. (The 8B model of the mocker: 27,000 on L40S, 35,000 on H100.)
 *
 * Not here, because the workers share no cache: transfers of a longer match from another worker
 * (`kvcache_balancing_threshold`), hence of figure 5 the local form. Nor may a policy reject a request
 * whose estimate is beyond the SLO. The cache is what KV events report. Conductor routes to prefill
 * workers; so on workers that also decode, their decoding does not count. Of decode workers the one
 * with the fewest requests is picked, where the paper picks by load.
 */
import { chooseLeast, defineRouter, v, type RoutingPolicy } from "dynbench";
import { within } from "../shared/option-shapes.ts";
import { WaitingWork } from "../shared/waiting-work.ts";

export const conductor = defineRouter({
  name: "conductor",
  summary: "Least estimated TTFT: queued prefill and uncached prompt, from KV events (Mooncake)",
  plane: "http",
  options: v.strictObject({
    attentionTokens: v.pipe(
      v.optional(within(1, 1e9), 45_056),
      v.description("Prompt tokens at which attention costs as much as the rest of a prefill"),
      v.metadata({ tune: { from: 4096, to: 1_048_576, scale: "log" } }),
    ),
  }),
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: true,
    spreads: true,
    kvEvents: true,
  }),
  policy: ({ attentionTokens }): RoutingPolicy => {
    const queued = new WaitingWork();
    const prefill = (isl: number, cachedTokens: number): number => {
      const cached = Math.min(isl - 1, cachedTokens); // the last token is computed in any case
      return (isl - cached) * (1 + (isl + cached) / attentionTokens);
    };
    /** Of the last pick: `dispatched` follows it, and is not shown the cache. */
    let picked = -1;
    let pickedWork = 0;
    return {
      reads: ["overlap"],
      index: { source: "events" },
      pick({ id, isl, stage }, view) {
        if (stage === "decode") return chooseLeast(view, view.requests);
        const { eligible, overlapBlocks, blockSize, scores } = view;
        for (const w of eligible) {
          scores[w] = queued.at(w) + prefill(isl, overlapBlocks[w]! * blockSize);
        }
        const chosen = chooseLeast(view, scores);
        picked = id;
        pickedWork = prefill(isl, overlapBlocks[chosen]! * blockSize);
        return chosen;
      },
      dispatched(request, w) {
        if (request.stage === "decode") return;
        queued.add(request, w, picked === request.id ? pickedWork : prefill(request.isl, 0));
      },
      firstToken: (request, w) => queued.remove(request, w),
      ended: (request, w) => queued.remove(request, w),
      reset() {
        queued.clear();
        picked = -1;
      },
    };
  },
});
