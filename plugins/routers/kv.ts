/**
 * KV-aware routing: the worker with the least cost gets the request, where cost weighs the prompt
 * tokens still to prefill there against the blocks it would hold.
 *
 * Formula of Dynamo's KV router (1.6, `lib/kv-router/src/scheduling/selector`), in blocks of B tokens:
 *
 *     prefill(w) = max(0, (outstanding prefill tokens(w) + isl) / B − credit · decay(w) · overlap(w))
 *     decay(w)   = 1 / (1 + creditDecay · ((outstanding(w) − least outstanding) / B) / ceil(isl / B))
 *     cost(w)    = prefillLoadScale · prefill(w)
 *                + active distinct blocks(w) + blocks of this prompt not active there
 *                + activeRequestWeight · requests in flight(w)
 *
 * Least cost wins, ties uniformly at random; with a temperature the draw is soft (`chooseSoftly`).
 * Split workers, as there (`kv_router/prefill_router/mod.rs`, and the costs that 1.6.1 logs): a prefill
 * pick counts no blocks, a decode pick nothing but blocks, a prompt once for each request that has it.
 *
 * With a threshold it is Dynamo's router queue (`scheduling/queue.rs`): a request is held while every
 * worker has more prefill outstanding than that. Of those held the largest key goes first: `fcfs`
 * priority − seconds of arrival, so a priority of 5 overtakes what came up to 5 s before it; `wspt`
 * (1 + priority) / uncached prompt tokens.
 */
import {
  chooseLeast,
  chooseSoftly,
  defineRouter,
  HOLD,
  v,
  type RouteRequest,
  type RouterTraits,
  type RoutingPolicy,
  type RoutingView,
} from "dynbench";

/** Larger weights change nothing: every other term is negligible beside them. */
const MAX_WEIGHT = 1e6;

const weight = v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_WEIGHT));

/** The weights of Dynamo's cost, under its names, and its queue. */
export const costOptions = {
  overlapCredit: v.pipe(
    v.optional(weight, 1),
    v.description("Blocks of prefill saved per block believed cached; 0 ignores the cache"),
    v.metadata({ tune: { from: 0.1, to: 64, scale: "log" } }),
  ),
  creditDecay: v.pipe(
    v.optional(weight, 0),
    v.description(
      "How fast the overlap credit falls on a worker with more prefill queued than the others; 0: not at all",
    ),
    v.metadata({ tune: { from: 0, to: 4, scale: "linear" } }),
  ),
  prefillLoadScale: v.pipe(
    v.optional(weight, 1),
    v.description("Weight of prefill against blocks held; 0 balances blocks alone"),
    v.metadata({ tune: { from: 0.1, to: 10, scale: "log" } }),
  ),
  activeRequestWeight: v.pipe(
    v.optional(weight, 0),
    v.description("Cost of each request in flight, in blocks"),
    v.metadata({ tune: { from: 0, to: 64, scale: "linear" } }),
  ),
  temperature: v.pipe(
    v.optional(weight, 0),
    v.description("0 picks the least cost; a higher value draws more evenly among all workers"),
    v.metadata({ tune: { from: 0, to: 1, scale: "linear" } }),
  ),
  // Dynamo's threshold is a part of the workers' token budget of a step, which a policy does not know.
  queueThresholdTokens: v.pipe(
    v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1e9))),
    v.description(
      "Hold requests while every worker has more prompt tokens than this to compute; default: hold none",
    ),
    v.metadata({ tune: { from: 1024, to: 262_144, scale: "log" } }),
  ),
  queuePolicy: v.pipe(
    v.optional(v.picklist(["fcfs", "wspt"]), "fcfs"),
    v.description(
      "Order of held requests: fcfs by arrival, each unit of priority counting as one second earlier; " +
        "wspt by (1 + priority) / uncached prompt tokens, largest first",
    ),
  ),
};

const options = v.strictObject(costOptions);

export type CostOptions = v.InferOutput<typeof options>;

export const kv = defineRouter({
  name: "kv",
  summary: "Cached prefix against load, from the workers' KV events (Dynamo's cost function)",
  plane: "http",
  options,
  traits: (chosen) => ({ ...costTraits(chosen), kvEvents: chosen.overlapCredit > 0 }),
  policy: (chosen): RoutingPolicy => ({
    ...costPolicy(chosen),
    // Without credit no index is kept, as in Dynamo.
    ...(chosen.overlapCredit > 0 ? { index: { source: "events" } } : {}),
  }),
});

/** The traits of a router with this cost, except for KV events. */
export function costTraits(options: CostOptions): Omit<RouterTraits, "kvEvents"> {
  const followsCache = options.overlapCredit > 0 && options.prefillLoadScale > 0;
  return {
    accepts: ["ids", "text", "chat"],
    affinity: followsCache && options.temperature === 0,
    spreads: true,
  };
}

/** A policy that picks by this cost; the caller chooses the index that its overlap comes from. */
export function costPolicy(options: CostOptions): RoutingPolicy {
  const { temperature, overlapCredit, queueThresholdTokens = Infinity, queuePolicy } = options;
  return {
    reads: overlapCredit > 0 ? ["overlap", "activeBlocks"] : ["activeBlocks"],
    urgency: queuePolicy === "wspt" ? shortestFirst : earliestFirst,
    pick(request, view) {
      if (request.stage !== "decode" && areAllBusy(view, queueThresholdTokens)) return HOLD;
      if (request.stage === "decode") scoreDecode(view, options);
      else scorePrefill(request, view, options);
      if (temperature === 0) return chooseLeast(view, view.scores);
      return chooseSoftly(view, view.scores, temperature);
    },
  };
}

function areAllBusy({ eligible, prefillTokens }: RoutingView, thresholdTokens: number): boolean {
  return eligible.every((w) => prefillTokens[w]! > thresholdTokens);
}

function earliestFirst({ priority }: RouteRequest, { nowNs }: RoutingView): number {
  return priority - nowNs / 1e9;
}

function shortestFirst({ priority, isl }: RouteRequest, view: RoutingView): number {
  let cached = 0;
  for (const { index } of view.candidates) cached = Math.max(cached, view.overlapBlocks[index]!);
  return (1 + priority) / Math.max(1, isl - cached * view.blockSize);
}

function scorePrefill(request: RouteRequest, view: RoutingView, options: CostOptions): void {
  const { overlapCredit, creditDecay, prefillLoadScale, activeRequestWeight } = options;
  const { blockSize, eligible, prefillTokens, overlapBlocks, requests, scores } = view;
  const requestBlocks = Math.max(1, Math.ceil(request.isl / blockSize));
  const countsBlocks = request.stage === "aggregated";
  let least = Infinity;
  for (const w of eligible) least = Math.min(least, prefillTokens[w]!);
  for (const w of eligible) {
    const excessBlocks = (prefillTokens[w]! - least) / blockSize;
    const decay = creditDecay === 0 ? 1 : 1 / (1 + (creditDecay * excessBlocks) / requestBlocks);
    const credit = overlapCredit * decay * overlapBlocks[w]!;
    const prefill = Math.max(0, (prefillTokens[w]! + request.isl) / blockSize - credit);
    const blocks = countsBlocks ? view.activeBlocks[w]! + view.addedBlocks[w]! : 0;
    scores[w] = prefillLoadScale * prefill + blocks + activeRequestWeight * requests[w]!;
  }
}

function scoreDecode(view: RoutingView, { activeRequestWeight }: CostOptions): void {
  const { eligible, activeBlocks, addedBlocks, requests, scores } = view;
  for (const w of eligible) {
    scores[w] = activeBlocks[w]! + addedBlocks[w]! + activeRequestWeight * requests[w]!;
  }
}
