/**
 * Gives each request its tier. All requests of a session have the same tier. The draw depends only on
 * the cell's seed and on the session or index: it changes no draw of the workload, and every arm and
 * every load of a sweep has the same requests in the same tiers. Pure.
 */
import type { LoadShape, Tier } from "../contract/plan.ts";
import { randomStream } from "../base/random.ts";
import type { RequestSpec } from "../contract/request.ts";
import { mapRequests, type Requests } from "./requests.ts";

/** The requests with their tiers; without priorities if none are to be sent. */
export function tiered(
  requests: Requests,
  load: Pick<LoadShape, "tiers" | "sendPriority">,
  seed: number,
): Requests {
  const { tiers, sendPriority } = load;
  if (tiers === undefined && sendPriority !== "off") return requests;
  const mark = (spec: RequestSpec): RequestSpec => {
    const marked = tiers === undefined ? spec : inTier(spec, tierOf(spec, tiers, seed));
    return sendPriority === "off" ? withoutPriority(marked) : marked;
  };
  return mapRequests(requests, mark);
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

/** If the tier has no priority, the request keeps that of the workload. */
function inTier(spec: RequestSpec, { name, priority }: Tier): RequestSpec {
  return { ...spec, tier: name, ...(priority === undefined ? {} : { priority }) };
}

function withoutPriority({ priority: _, ...spec }: RequestSpec): RequestSpec {
  return spec;
}
