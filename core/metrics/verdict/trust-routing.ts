/**
 * Trust checks: did the router distinguish the workers as its label claims? Each fault was found in a
 * router whose figures had been published: all workers looked equal to the router (dynamo#3581);
 * requests without a cached prefix always went to the first worker (sglang#32983). A single worker
 * that serves everything behind a router that should spread (dynamo#15212) is `idle-worker`.
 */
import type { CellTally } from "../tally/cell-tally.ts";
import type { Finding } from "../../contract/result.ts";
import type { CellUnderTrial, TrustCheck } from "./trust-check.ts";

/** With a lower ideal share there was next to nothing to find. */
const FINDABLE_SHARE = 0.05;
/** With a lower hit share the workers had nothing to find either: blocks were evicted before reuse. */
const FOUND_SHARE = 0.01;
/** Enough to rule out chance: ten requests all go to one of two workers twice in a thousand times. */
const REQUESTS_MIN = 10;

export const ROUTING_CHECKS: readonly TrustCheck[] = [equalWorkers, coldOnOne];

/** The router looked for cached prefixes and found none, although the workers had some. */
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
      "The router saw no difference between the workers: it found no cached prefix on any of them, although " +
      `${(100 * cachedShare).toFixed(0)} % of the prompt tokens were cached on the workers it chose`,
    hint: "Check that router and engine agree on the block size, and that KV events reach the router",
  };
}

/** Requests sent after the first answer: before it, no cache can hold anything. */
function sentAfterAnAnswer({ points }: CellTally): number {
  const answeredS = points.sentS.map((sentS, i) => sentS + points.ttftMs[i]! / 1000);
  const firstS = answeredS.reduce((first, s) => (s < first ? s : first), Infinity); // skips NaN of failures
  return points.sentS.filter((sentS) => sentS > firstS).length;
}

/** All requests without a cached prefix went to one worker: the router breaks ties the same way each time. */
function coldOnOne({ summary, tally, evidence }: CellUnderTrial): Finding | undefined {
  const { affinity = false, keyHeader } = evidence.traits;
  // Behind a router that spreads the others would be `idle-worker`; a key may send all to one worker.
  if (!affinity || keyHeader !== undefined) return undefined;
  const prefillers = summary.workers.filter(({ role }) => role !== "decode");
  const [[worker, count] = ["", 0], ...others] = tally.coldOf;
  if (prefillers.length < 2 || others.length > 0 || count < REQUESTS_MIN) return undefined;
  return {
    id: "cold-on-one",
    severity: "untrusted",
    message: `All ${count} requests without a cached prefix went to ${worker}, although there were ${prefillers.length} workers`,
    hint: "Raise --concurrency: a router that breaks ties the same way each time spreads only by load",
  };
}
