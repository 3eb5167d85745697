/** One routing decision as a line of `decisions.jsonl`: what was picked, among what, and at what cost. */
import { given } from "../base/given.ts";
import type { RouteRequest, RoutingView } from "../contract/routing-policy.ts";
import type { WorkerRole } from "../contract/request.ts";

export interface Decision {
  /** The host's number of the request. */
  readonly request: number;
  readonly atNs: number;
  readonly stage: WorkerRole;
  readonly worker: string;
  readonly rank: number;
  readonly isl: number;
  readonly blocks: number;
  /** Leading blocks believed cached where it went, and the most that any eligible candidate had. */
  readonly overlapBlocks: number;
  readonly bestOverlapBlocks: number;
  /** By candidate, in the host's order; null where it could not be picked. */
  readonly scores?: readonly (number | null)[];
  readonly overlaps: readonly (number | null)[];
  /** Loads by candidate, with this request booked already. */
  readonly inFlight: readonly number[];
  readonly prefillTokens: readonly number[];
  readonly costUs?: { readonly hash: number; readonly lookup: number; readonly score: number };
  /** How many workers had been tried before. */
  readonly retries?: number;
}

/** The decision just made, from the host's view: ask right after `route`, or in `onRelease`. */
export function decisionOf(
  view: RoutingView,
  made: {
    readonly request: RouteRequest;
    readonly candidate: number;
    readonly costUs?: Decision["costUs"];
    readonly retries?: number;
  },
): Decision {
  const { request, candidate, costUs, retries } = made;
  const { workerId, rank } = view.candidates[candidate]!;
  const eligible = new Set(view.eligible);
  const column = (values: ArrayLike<number>): (number | null)[] =>
    Array.from(values, (value, i) => (eligible.has(i) && Number.isFinite(value) ? value : null));
  const overlaps = column(view.overlapBlocks);
  const scores = column(view.scores);
  return {
    request: request.id,
    atNs: view.nowNs,
    stage: request.stage,
    worker: workerId,
    rank,
    isl: request.isl,
    blocks: request.blocks.length,
    overlapBlocks: view.overlapBlocks[candidate]!,
    bestOverlapBlocks: overlaps.reduce<number>((best, value) => Math.max(best, value ?? 0), 0),
    ...(scores.every((score) => score === null) ? {} : { scores }),
    overlaps,
    inFlight: Array.from(view.requests),
    prefillTokens: Array.from(view.prefillTokens),
    ...given({ costUs }),
    ...(retries === undefined || retries === 0 ? {} : { retries }),
  };
}
