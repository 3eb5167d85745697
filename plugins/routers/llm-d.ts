/**
 * llm-d's weighted scorers, in its default profile: each worker gets a mark from 0 to 1 for its queue,
 * its free KV cache and the cached prefix; the largest weighted sum gets the request.
 *
 *     queue(w)  = (longest − waiting(w)) / (longest − shortest); 1 for all where they are equal
 *     kv(w)     = 1 − KV use(w)
 *     prefix(w) = matched blocks(w) / blocks of the prompt
 *     sum(w)    = queueWeight · queue(w) + kvWeight · kv(w) + prefixWeight · prefix(w)
 *
 * Ties are random. Source: llm-d-router at ebab687 of 2026-08-22 (after 0.10.0-rc.1): default profile with
 * weights 2, 2 and 3 in pkg/epp/config/loader/defaults.go and in its Helm chart; scorers in
 * pkg/epp/framework/plugins/scheduling/scorer (queuedepth, kvcacheutilization, prefix); max-score
 * picker. Its match comes from its own decisions (approximateprefix: at most 31,250 blocks a worker,
 * blocks of at least 64 tokens, least recently used leave; with metrics of the worker, as many as its
 * cache has), or with `kvEvents` from KV events, as its precise producer has it.
 *
 * The program scrapes queue and KV use from vLLM every 50 ms. This view has neither, so of the
 * requests that were sent to a worker and have no first token yet, one is taken to be in prefill and
 * the rest to wait; and KV use is the prompt blocks of the requests in flight against the capacity,
 * 0 where no capacity is known. Scores are negated sums: the least wins.
 */
import { chooseLeast, defineRouter, v, type RoutingPolicy, type RoutingView } from "dynbench";
import { whole, within } from "../shared/option-shapes.ts";
import { WaitingWork } from "../shared/waiting-work.ts";

const weight = (preset: number, description: string) =>
  v.pipe(
    v.optional(within(0, 1e6), preset),
    v.description(description),
    v.metadata({ tune: { from: 0.1, to: 10, scale: "log" } }),
  );

const options = v.strictObject({
  queueWeight: weight(2, "Weight of a short queue"),
  kvWeight: weight(2, "Weight of a free KV cache"),
  prefixWeight: weight(3, "Weight of the cached prefix"),
  kvEvents: v.pipe(
    v.optional(v.boolean(), false),
    v.description("Take cached prefixes from KV events, not from its own decisions"),
  ),
  maxBlocks: v.pipe(
    v.optional(whole(1, 1 << 24), 31_250),
    v.description("Blocks remembered per worker without KV events; the least recently used leave"),
    v.metadata({ tune: { from: 1024, to: 1 << 20, scale: "log" } }),
  ),
});

export const llmD = defineRouter({
  name: "llm-d",
  summary: "Weighted marks for queue, free KV cache and cached prefix (llm-d's default profile)",
  plane: "http",
  options,
  // At an equal queue a prefix that all share outweighs an empty cache: others may see nothing.
  traits: ({ prefixWeight, kvEvents }) => ({
    accepts: ["ids", "text", "chat"],
    affinity: prefixWeight > 0,
    spreads: prefixWeight === 0,
    kvEvents,
  }),
  policy: ({ queueWeight, kvWeight, prefixWeight, kvEvents, maxBlocks }): RoutingPolicy => {
    const sent = new WaitingWork();
    /** All but the one in prefill. */
    const waiting = (w: number): number => Math.max(0, sent.at(w) - 1);
    return {
      reads: ["overlap", "activeBlocks"],
      index: kvEvents
        ? { source: "events" }
        : { source: "predicted", maxBlocksPerWorker: maxBlocks },
      pick({ blocks }, view) {
        const { eligible, overlapBlocks, scores } = view;
        let shortest = Infinity;
        let longest = 0;
        for (const w of eligible) {
          shortest = Math.min(shortest, waiting(w));
          longest = Math.max(longest, waiting(w));
        }
        for (const w of eligible) {
          const queue = longest === shortest ? 1 : (longest - waiting(w)) / (longest - shortest);
          const prefix = blocks.length === 0 ? 0 : overlapBlocks[w]! / blocks.length;
          scores[w] = -(
            queueWeight * queue +
            kvWeight * (1 - kvUse(view, w)) +
            prefixWeight * prefix
          );
        }
        return chooseLeast(view, scores);
      },
      dispatched: (request, w) => sent.add(request, w, 1),
      firstToken: (request, w) => sent.remove(request, w),
      ended: (request, w) => sent.remove(request, w),
      reset: () => sent.clear(),
    };
  },
});

function kvUse({ candidates, activeBlocks }: RoutingView, w: number): number {
  const { kvBlocks } = candidates[w]!;
  return kvBlocks === undefined ? 0 : Math.min(1, activeBlocks[w]! / kvBlocks);
}
