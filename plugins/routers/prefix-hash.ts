/**
 * Consistent hashing of the prompt's opening, with bounded load: equal openings go to the same
 * worker without any index, and no worker gets far more than its share of the requests in flight.
 *
 * Every worker has `VIRTUAL_NODES` points on a ring of 32-bit hashes. A request starts at the hash of
 * its first `prefixTokens` tokens and takes the first worker, clockwise, with fewer than
 * ceil(loadFactor · (requests in flight + 1) / workers) requests (Mirrokni, Thorup, Zadimoghaddam:
 * "Consistent hashing with bounded loads", 2018). Parameters as in `prefix_hash` of SGLang's SMG,
 * which compares with loadFactor times the mean and then takes the least loaded worker instead of
 * the next one. Never random.
 */
import { defineRouter, v, type Candidate, type RoutingPolicy, type RoutingView } from "dynbench";
import { factorOption } from "../shared/option-shapes.ts";

/** Points per worker: shares of the ring then differ by about 1/√160 = 8 % (vLLM's router uses as many). */
const VIRTUAL_NODES = 160;
const MAX_PREFIX_TOKENS = 1e8;

export const prefixHash = defineRouter({
  name: "prefix-hash",
  summary: "Consistent hashing of the first tokens, with bounded load; keeps no index",
  plane: "http",
  options: v.strictObject({
    prefixTokens: v.pipe(
      v.optional(
        v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PREFIX_TOKENS)),
        256,
      ),
      v.description("Tokens hashed, rounded down to whole blocks"),
      v.metadata({ tune: { from: 64, to: 16_384, scale: "log" } }),
    ),
    loadFactor: factorOption(1.25, "How far above the mean a worker's requests in flight may go"),
  }),
  // Fewer openings than workers leave workers idle at low load.
  traits: () => ({
    accepts: ["ids", "text", "chat"],
    affinity: true,
    spreads: false,
    kvEvents: false,
  }),
  policy: ({ prefixTokens, loadFactor }): RoutingPolicy => {
    let ring: Ring | undefined;
    return {
      reads: ["blocks"],
      pick(request, view) {
        ring ??= buildRing(view.candidates);
        const limit = loadLimit(view, loadFactor);
        const { points, owners } = ring;
        let at = firstAtOrAfter(points, scramble(request.prefixHash(prefixTokens)));
        // One round at most: the mean lies below the limit, so one worker has room.
        for (let step = 0; step < points.length; step += 1, at += 1) {
          const owner = owners[at % points.length]!;
          if (view.requests[owner]! < limit && view.eligible.includes(owner)) return owner;
        }
        throw new Error(`no worker is below ${limit} requests in flight`);
      },
    };
  },
});

/** Points in ascending order, and the candidate of each. */
interface Ring {
  readonly points: Uint32Array;
  readonly owners: Int32Array;
}

/** The same workers give the same ring, whatever order they come in. */
function buildRing(candidates: readonly Candidate[]): Ring {
  const nodes = candidates.flatMap(({ workerId, rank, index }) =>
    Array.from({ length: VIRTUAL_NODES }, (_, node) => ({
      point: hashText(`${workerId}/${rank}/${node}`),
      owner: index,
    })),
  );
  nodes.sort((a, b) => a.point - b.point || a.owner - b.owner);
  return {
    points: Uint32Array.from(nodes, ({ point }) => point),
    owners: Int32Array.from(nodes, ({ owner }) => owner),
  };
}

function loadLimit({ eligible, requests }: RoutingView, loadFactor: number): number {
  let inFlight = 0;
  for (const w of eligible) inFlight += requests[w]!;
  return Math.ceil((loadFactor * (inFlight + 1)) / eligible.length);
}

/** Index of the first point at or after `point`; the length when there is none. */
function firstAtOrAfter(points: Uint32Array, point: number): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (points[middle]! < point) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** FNV-1a, then scrambled, because names that differ in their last letter must land far apart. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return scramble(hash);
}

/** Finaliser of MurmurHash3 (Appleby, public domain): each input bit flips half of the output bits. */
function scramble(word: number): number {
  let hash = word ^ (word >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
