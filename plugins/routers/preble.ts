/**
 * Preble's E2: a prompt that is mostly cached exploits the cache, any other explores the workers; both
 * choose the least cost of a window of history.
 *
 *     load(w) = Σ over requests sent to w in the last windowS:
 *               uncached prompt tokens + outputWeight · output tokens
 *     exploit, where the longest match is more than half of the prompt:
 *               the least load among the workers with that match
 *     explore, otherwise: the least load(w) + uncached prompt tokens(w)
 *     a worker chosen by exploiting that has the most load, more than balanceRatio · the least
 *                                               →  the worker with the least
 *
 * Ties are random. Source: Srivatsa et al., "Preble: efficient distributed prompt scheduling for LLM
 * serving" (ICLR 2025, arXiv 2407.00023), §3.2: costs L and P, the history H of 3 minutes, the shift
 * of load beyond a threshold. The program, WukLab/preble at 8e7906a (preble/
 * global_scheduler_with_time.py), has 1.5 as that threshold, from 50 requests a worker up, and
 * believes cached what it sent within H, which is the index here. Times are counted in prefill
 * tokens: its fits for Mistral-7B on A6000 (model_equations.py) are .108 / .9 ms a prefill token and
 * 22.3 / .9 ms a decode step, hence 206 tokens for an output token. Output tokens are those expected.
 *
 * Not here: the cost of eviction M, which the program leaves out unless told, because the view does
 * not show what an engine would evict; prefixes copied to more workers when their queues double; and
 * workers with much decode being sent prefill first, which the program does not have.
 */
import { chooseLeast, defineRouter, v, type RoutingPolicy, type RoutingView } from "dynbench";
import { factorOption, seconds, within } from "../shared/option-shapes.ts";
import { SlidingSums } from "../shared/sliding-sums.ts";

/** Requests a worker before load is shifted. */
const WARM_UP = 50;

export const preble = defineRouter({
  name: "preble",
  summary:
    "Mostly cached prompts follow the cache, others the least load of 3 minutes (Preble's E2)",
  plane: "http",
  options: v.strictObject({
    windowS: v.pipe(
      v.optional(seconds, 180),
      v.description("Seconds of history that count as load, and for which prompts stay cached"),
      v.metadata({ tune: { from: 5, to: 3600, scale: "log" } }),
    ),
    outputWeight: v.pipe(
      v.optional(within(0, 1e6), 206),
      v.description("Prefill tokens that cost as much as one output token"),
      v.metadata({ tune: { from: 1, to: 1000, scale: "log" } }),
    ),
    balanceRatio: factorOption(
      1.5,
      "Most load over least load above which the busiest worker is not exploited",
    ),
  }),
  // A prefix that all prompts share draws them all to one worker until the warm-up is over.
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: true,
    spreads: false,
    kvEvents: false,
  }),
  policy: ({ windowS, outputWeight, balanceRatio }): RoutingPolicy => {
    const load = new SlidingSums(windowS);
    let sent = 0;
    /** Of the last pick: `dispatched` follows it, and is not shown the cache. */
    let picked = -1;
    let pickedUncached = 0;

    const choose = (isl: number, view: RoutingView): number => {
      const { eligible, overlapBlocks, blockSize, scores } = view;
      let deepest = 0;
      for (const w of eligible) deepest = Math.max(deepest, overlapBlocks[w]!);
      const exploits = 2 * deepest * blockSize > isl;
      let most = 0;
      let least = eligible[0]!;
      for (const w of eligible) {
        const loadHere = load.at(w);
        most = Math.max(most, loadHere);
        if (loadHere < load.at(least)) least = w;
        const isOpen = !exploits || overlapBlocks[w] === deepest;
        scores[w] = isOpen ? loadHere + Math.max(0, isl - overlapBlocks[w]! * blockSize) : Infinity;
      }
      const chosen = chooseLeast(view, scores);
      const isTooBusy = load.at(chosen) === most && most > balanceRatio * load.at(least);
      return exploits && isTooBusy && sent >= WARM_UP * eligible.length ? least : chosen;
    };

    return {
      reads: ["overlap"],
      index: { source: "predicted", ttlMs: windowS * 1000 },
      pick({ id, isl }, view) {
        load.forget(view.nowNs);
        const chosen = choose(isl, view);
        picked = id;
        pickedUncached = Math.max(0, isl - view.overlapBlocks[chosen]! * view.blockSize);
        return chosen;
      },
      dispatched({ id, isl, osl, stage }, w, nowNs) {
        const uncached = picked === id ? pickedUncached : isl;
        const prefill = stage === "decode" ? 0 : uncached;
        const decode = stage === "prefill" ? 0 : outputWeight * osl;
        load.add(w, prefill + decode, nowNs);
        sent += 1;
      },
      reset() {
        load.clear();
        sent = 0;
        picked = -1;
      },
    };
  },
});
