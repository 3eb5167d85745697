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

/** A router that is sent the workers' events finds at least this part of what it expects. */
const EXPECTED_FOUND_MIN = 0.5;

export const ROUTING_CHECKS: readonly TrustCheck[] = [equalWorkers, coldOnOne, noHits, notFound];

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

/** Nothing was found although the prompts shared much, and the caches held all of them. */
function noHits({ summary, tally, evidence }: CellUnderTrial): Finding | undefined {
  const { idealShare } = summary.cache;
  const { requests, cachedTokens } = tally.cache;
  if (summary.clock === "virtual" || requests === 0 || cachedTokens > 0) return undefined;
  if (idealShare < FINDABLE_SHARE) return undefined;
  // Routers that look at no cache meet one by chance, the less often the more workers there are.
  if (sentAfterAnAnswer(tally) < REQUESTS_MIN * Math.max(1, summary.workers.length))
    return undefined;
  const { smallestCacheTokens: cache = Infinity } = evidence;
  const mayBeEvicted = tally.sums.inputTokens + tally.sums.outputTokens > cache;
  return {
    id: "no-hits",
    severity: mayBeEvicted ? "note" : "untrusted",
    message: `No prompt token of ${requests} requests was found cached, although ${(100 * idealShare).toFixed(0)} % of them had been sent before`,
    hint: mayBeEvicted
      ? "The caches are smaller than the load: give the engine more KV blocks, or shorten the prompts"
      : "Check that the engine's prefix cache is on, and that what it reports in cached_tokens is its own",
  };
}

/** The router knew by events that tokens were cached, and the workers it chose found far fewer. */
function notFound({ summary, tally, evidence }: CellUnderTrial): Finding | undefined {
  const { requests, tokens } = tally.expected;
  const { promptTokens, cachedTokens } = tally.cache;
  if (!evidence.traits.kvEvents || summary.clock === "virtual") return undefined;
  if (requests < REQUESTS_MIN || requests < tally.cache.requests) return undefined;
  const expected = tokens / promptTokens;
  const found = cachedTokens / promptTokens;
  if (expected < FINDABLE_SHARE || found >= EXPECTED_FOUND_MIN * expected) return undefined;
  return {
    id: "hits-not-found",
    severity: "untrusted",
    message: `The router chose workers that held ${(100 * expected).toFixed(0)} % of the prompt tokens by their own KV events, and they found ${(100 * found).toFixed(0)} %`,
    hint: "Check that cached_tokens of the answers is right, and that events and answers come from the same workers",
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
