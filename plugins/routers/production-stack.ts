/**
 * `kvaware` of the vLLM production stack: a match decides where it leaves at most so many tokens to
 * compute, else the request rate does. Loads play no part in a match, nor do requests in flight
 * anywhere.
 *
 *     longest match ≥ max(isl − thresholdTokens, 0), and there is one  →  the worker with it
 *     otherwise          →  the fewest requests sent in the last windowS
 *
 * Ties go to the first worker, as there. Source: vllm-project/production-stack at a6c01db of
 * 2026-08-05 (after 0.1.12), src/vllm_router/routers/routing_logic.py (`KvawareRouter`, and
 * `_qps_routing`), `--kv-aware-threshold` 2000 and `--request-stats-window` 60 of
 * parsers/parser.py, without a session key, as by default. Of its policies this is the one unlike
 * the others here: `prefixaware` is `cache-aware` that never balances, `session` is a hash ring.
 *
 * The program asks LMCache's controller, which knows chunks of 256 tokens in GPU, host and disk, and
 * takes the first worker that it lists; here the longest match counts that KV events report, in the
 * GPU's cache alone. Decode workers hold no prefixes, and are picked by the rate.
 */
import { defineRouter, v, type RoutingPolicy } from "dynbench";
import { seconds, within } from "../shared/option-shapes.ts";
import { SlidingSums } from "../shared/sliding-sums.ts";

/** A prompt may end inside a block, whose tokens then never match; no engine has longer blocks. */
const LONGEST_BLOCK = 512;

export const productionStack = defineRouter({
  name: "production-stack",
  summary: "A nearly complete match decides, else the request rate (production stack's kvaware)",
  plane: "http",
  options: v.strictObject({
    thresholdTokens: v.pipe(
      v.optional(within(0, 1e9), 2000),
      v.description("Most prompt tokens left to compute for a match to decide"),
      v.metadata({ tune: { from: 64, to: 131_072, scale: "log" } }),
    ),
    windowS: v.pipe(
      v.optional(seconds, 60),
      v.description("Seconds over which a worker's requests are counted"),
      v.metadata({ tune: { from: 1, to: 3600, scale: "log" } }),
    ),
  }),
  // A short prefix that short prompts share draws them all to one worker.
  traits: ({ thresholdTokens }) => ({
    accepts: ["ids", "text", "chat"],
    affinity: thresholdTokens >= LONGEST_BLOCK,
    spreads: false,
    kvEvents: true,
  }),
  policy: ({ thresholdTokens, windowS }): RoutingPolicy => {
    const sent = new SlidingSums(windowS);
    return {
      reads: ["overlap"],
      index: { source: "events" },
      pick({ isl, stage }, view) {
        sent.forget(view.nowNs);
        const { eligible, overlapBlocks, blockSize } = view;
        let matched = eligible[0]!;
        let rarest = eligible[0]!;
        for (const w of eligible) {
          if (overlapBlocks[w]! > overlapBlocks[matched]!) matched = w;
          if (sent.at(w) < sent.at(rarest)) rarest = w;
        }
        const tokens = stage === "decode" ? 0 : overlapBlocks[matched]! * blockSize;
        return tokens > 0 && tokens >= isl - thresholdTokens ? matched : rarest;
      },
      dispatched: (_request, w, nowNs) => sent.add(w, 1, nowNs),
      reset: () => sent.clear(),
    };
  },
});
