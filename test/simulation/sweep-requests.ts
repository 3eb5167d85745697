/** The prefix sweep of Dynamo's replay: exact lengths, and a group drawn uniformly for each request. */
import { randomStream, type RequestSpec } from "dynbench";

/** 200 requests of 14,000 and 200 tokens; the shared part is whole blocks of 64: round(219 · ratio). */
export function sweepRequests(ratio: number, seed: number): RequestSpec[] {
  const random = randomStream(seed, "groups");
  const shared = Math.round(219 * ratio) * 64;
  return Array.from({ length: 200 }, (_, index) => ({
    index,
    prompt: [
      { content: random.int(20), tokens: shared },
      { content: 100 + index, tokens: 14_000 - shared },
    ],
    isl: 14_000,
    osl: 200,
  }));
}
