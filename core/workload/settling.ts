/**
 * A throw-away load after a start of an engine or a router. Code that runs for the first time is
 * compiled, connections are opened and memory is claimed, and whoever is measured first would pay for
 * it: of eight fresh mocker workers and a fresh gateway the first twenty prompts took a fifth longer.
 *
 * A batch is the beginning of the cell's own requests, with contents of its own, so that the next
 * batch finds nothing of it in a cache. All batches are otherwise the same: what makes one faster than
 * the one before is what the start left to be done.
 */
import type { LoadShape, Plan } from "../contract/plan.ts";
import type { RequestSpec } from "../contract/request.ts";
import type { Requests } from "./requests.ts";

export const SETTLING = {
  /** Whatever the latency does, there is an end: so many batches, */
  maxBatches: 8,
  /** and none that would end later than this. */
  maxS: 30,
} as const;

/** One fall is a start's, and the batch after the last fall shows that it was the last. */
const MIN_BATCHES = 3;
/** A mean that falls by less stands still: repeats on an idle machine differ by as much. */
const STILL_SHARE = 0.005;
/** As many requests as the cell has in flight, within these: a burst meets every worker, and ends soon. */
const BATCH = { least: 8, most: 32 } as const;
/** Output tokens of a request: a stream goes through its whole path with a few dozen. */
const MAX_OSL = 32;
/** A server that does not answer must not hold a run up for ten minutes. */
const TIMEOUT_S = 60;

/** The simulator has nothing to settle: it starts nothing. */
export function settles({ clock, settle }: Pick<Plan, "clock" | "settle">): boolean {
  return clock === "wall" && settle;
}

/** Means over the answered requests of one batch. */
export interface SettlingBatch {
  readonly ttftMs: number;
  /** Left out where no answer had two chunks. */
  readonly itlMs?: number;
  readonly seconds: number;
}

/** A closed loop, whatever the cell's arrivals: a timetable of half a request a second would take minutes. */
export function settlingLoad({ concurrency = BATCH.least, timeoutS }: LoadShape): LoadShape & {
  readonly requests: number;
} {
  const requests = Math.min(BATCH.most, Math.max(BATCH.least, concurrency));
  return {
    arrival: "closed",
    concurrency: Math.min(concurrency, requests),
    requests,
    warmup: 0,
    timeoutS: Math.min(TIMEOUT_S, timeoutS),
  };
}

/** The first `count` requests, without what makes one wait for a time or for another one. */
export async function settlingRequests(requests: Requests, count: number): Promise<RequestSpec[]> {
  const batch: RequestSpec[] = [];
  for await (const request of requests) {
    const { atNs: _at, after: _after, keepAnswer: _keep, sessionRequests: _all, ...rest } = request;
    batch.push({ ...rest, osl: Math.min(MAX_OSL, request.osl) });
    if (batch.length === count) break;
  }
  return batch;
}

/**
 * Whether another batch would show nothing new: the last one was not faster than the fastest before.
 * Only a fall counts, because a start makes nothing faster than it will be; and against the fastest,
 * because a busy machine makes every other batch faster than the one before it.
 */
export function standsStill(batches: readonly SettlingBatch[]): boolean {
  if (batches.length < MIN_BATCHES) return false;
  const last = batches.at(-1)!;
  return (["ttftMs", "itlMs"] as const).every((key) => {
    const before = batches.slice(0, -1).map((batch) => batch[key] ?? Infinity);
    return (last[key] ?? Infinity) >= Math.min(...before) * (1 - STILL_SHARE);
  });
}

/** Whether a further batch, as long as the last one, would still end in time. */
export function mayGoOn(batches: readonly SettlingBatch[]): boolean {
  const spentS = batches.reduce((sum, { seconds }) => sum + seconds, 0);
  const nextS = batches.at(-1)?.seconds ?? 0;
  return batches.length < SETTLING.maxBatches && spentS + nextS <= SETTLING.maxS;
}
