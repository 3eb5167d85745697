/**
 * Trust checks: did the router tell the workers apart as its label says? Each was met with a router
 * whose figures had been published: workers that all looked the same to it (dynamo#3581), misses that
 * always went to the first worker (sglang#32983). One worker that serves everything behind a router
 * that should spread (dynamo#15212) is `idle-worker`.
 */
import type { CellTally } from "../tally/cell-tally.ts";
import type { Finding } from "../../contract/result.ts";
import type { CellUnderTrial, TrustCheck } from "./trust-check.ts";

/** Below it there was next to nothing to find. */
const FINDABLE_SHARE = 0.05;
/** Workers that found less had nothing either: what was cached had been evicted before it was of use. */
const FOUND_SHARE = 0.01;
/** So many answers show it: by chance, two workers would leave one out of ten twice in a thousand times. */
const REQUESTS_MIN = 10;

export const ROUTING_CHECKS: readonly TrustCheck[] = [equalWorkers, coldOnOne];

/** It looked for cached beginnings, the workers had some, and it saw none. */
function equalWorkers({ summary, tally, evidence }: CellUnderTrial): Finding | undefined {
  const { cachedShare = 0, idealShare } = summary.cache;
  if (idealShare < FINDABLE_SHARE || cachedShare < FOUND_SHARE) return undefined;
  if (sentAfterAnAnswer(tally) < REQUESTS_MIN) return undefined;
  const { expected } = tally;
  const believed = expected.bestRequests > 0 ? expected.bestTokens : expected.tokens;
  const sawNone = expected.requests >= REQUESTS_MIN && believed === 0;
  const foundNone = summary.requests.ok >= REQUESTS_MIN && evidence.prefixesFound === 0;
  if (!sawNone && !foundNone) return undefined;
  return {
    id: "equal-workers",
    severity: "untrusted",
    message:
      "All workers looked the same to the router: it found no prompt's beginning on any of them, and " +
      `${(100 * cachedShare).toFixed(0)} % of the prompt tokens were cached where it sent them`,
    hint: "Check that router and engine agree on the block size, and that KV events reach the router",
  };
}

/** Requests that a cache can have held something for as they came: those before the first answer cannot. */
function sentAfterAnAnswer({ points }: CellTally): number {
  const answeredS = points.sentS.map((sentS, i) => sentS + points.ttftMs[i]! / 1000);
  const firstS = answeredS.reduce((first, s) => (s < first ? s : first), Infinity); // NaN of failures
  return points.sentS.filter((sentS) => sentS > firstS).length;
}

/** What no cache could help went to one worker: ties are broken the same way each time. */
function coldOnOne({ summary, tally, evidence }: CellUnderTrial): Finding | undefined {
  const { affinity = false, keyHeader } = evidence.traits;
  // A worker of a router that spreads would be idle, and a key may send all to one.
  if (!affinity || keyHeader !== undefined) return undefined;
  const prefillers = summary.workers.filter(({ role }) => role !== "decode");
  const [[worker, count] = ["", 0], ...others] = tally.coldOf;
  if (prefillers.length < 2 || others.length > 0 || count < REQUESTS_MIN) return undefined;
  return {
    id: "cold-on-one",
    severity: "untrusted",
    message: `All ${count} requests of which nothing was cached went to ${worker}, though ${prefillers.length} workers were there`,
    hint: "Raise --concurrency: a router that breaks ties the same way each time spreads only by load",
  };
}
