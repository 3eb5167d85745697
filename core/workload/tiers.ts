/**
 * Gives each request its tier. A session is of one tier as a whole, and the draw depends on the cell's
 * seed and on session or index alone: it moves no draw of the workload, and every arm and every load of
 * a sweep has the same requests in the same tiers. Pure.
 */
import type { LoadShape, Tier } from "../contract/plan.ts";
import { randomStream } from "../base/random.ts";
import type { RequestSpec } from "../contract/request.ts";

/** The requests with their tiers, and without any priority where none is to be sent. */
export function tiered(
  requests: Iterable<RequestSpec> | AsyncIterable<RequestSpec>,
  load: Pick<LoadShape, "tiers" | "sendPriority">,
  seed: number,
): Iterable<RequestSpec> | AsyncIterable<RequestSpec> {
  const { tiers, sendPriority } = load;
  if (tiers === undefined && sendPriority !== "off") return requests;
  const mark = (spec: RequestSpec): RequestSpec => {
    const marked = tiers === undefined ? spec : inTier(spec, tierOf(spec, tiers, seed));
    return sendPriority === "off" ? withoutPriority(marked) : marked;
  };
  if (Symbol.asyncIterator in requests) return markedLater(requests, mark);
  return { [Symbol.iterator]: () => Iterator.from(requests).map(mark) };
}

async function* markedLater(
  requests: AsyncIterable<RequestSpec>,
  mark: (spec: RequestSpec) => RequestSpec,
): AsyncGenerator<RequestSpec> {
  for await (const spec of requests) yield mark(spec);
}

function tierOf({ session, index }: RequestSpec, tiers: readonly Tier[], seed: number): Tier {
  const at = randomStream(seed, "tier", session ?? index).next();
  let end = 0;
  for (const tier of tiers) {
    end += tier.share;
    if (at < end) return tier;
  }
  return tiers.at(-1)!;
}

/** A priority of the workload's own stays where the tier has none. */
function inTier(spec: RequestSpec, { name, priority }: Tier): RequestSpec {
  return { ...spec, tier: name, ...(priority === undefined ? {} : { priority }) };
}

function withoutPriority({ priority: _, ...spec }: RequestSpec): RequestSpec {
  return spec;
}
