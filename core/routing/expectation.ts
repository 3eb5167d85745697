/**
 * What a router believed when it decided: the part of a prompt that it took to be cached where it sent
 * the request, and the most it took to be cached anywhere it could have. Compared with what the engine
 * then found, this shows where the rest of the possible hits was lost (`metrics/ladder.ts`).
 */
import type { Expectation } from "../contract/record.ts";
import type { RouteRequest, RoutingView } from "../contract/routing-policy.ts";

/** From the host's view, right after the decision. The last prompt token is computed in any case. */
export function expectationOf(
  view: RoutingView,
  request: Pick<RouteRequest, "isl">,
  candidate: number,
): Expectation {
  const { overlapBlocks, eligible, blockSize } = view;
  const usable = Math.max(0, Math.floor((request.isl - 1) / blockSize));
  let best = overlapBlocks[candidate]!;
  for (let i = 0; i < eligible.length; i += 1) {
    const blocks = overlapBlocks[eligible[i]!]!;
    if (blocks > best) best = blocks;
  }
  return {
    tokens: Math.min(usable, overlapBlocks[candidate]!) * blockSize,
    bestTokens: Math.min(usable, best) * blockSize,
  };
}
