import { describe, expect, test } from "bun:test";
import { idealShares } from "../../../../core/metrics/tally/ideal.ts";
import { PooledRequests } from "../../../../core/metrics/tally/pooled.ts";
import { randomStream } from "../../../../core/base/random.ts";
import type { RequestSpec } from "../../../../core/contract/request.ts";
import { traceFile, traceRequests } from "../../../simulation/trace-requests.ts";

const CONVERSATION = traceFile("mooncake_conversation.jsonl");

type Prompt = RequestSpec["prompt"];

function served(
  prompts: readonly Prompt[],
  capacity: number,
  more: { warmup?: number; osl?: number } = {},
) {
  const requests = new PooledRequests(10);
  prompts.forEach((prompt, index) => {
    const isl = prompt.reduce((sum, { tokens }) => sum + tokens, 0);
    requests.add({ index, prompt, isl, osl: more.osl ?? 1 }, index >= (more.warmup ?? 0));
  });
  return requests.served(capacity)!;
}

const of = (content: number, tokens: number): Prompt => [{ content, tokens }];

describe("one cache as large as those of all workers together", () => {
  test("serves the blocks that LRU keeps, and those that MIN could keep", () => {
    // a b | c d | a b, 20 tokens and one more: a cache of three has lost b under LRU.
    const prompts = [of(1, 21), of(2, 21), of(1, 21)];
    expect(served(prompts, 3)).toEqual({ blocks: 3, lruShare: 10 / 63, minShare: 20 / 63 });
    expect(served(prompts, 4)).toMatchObject({ lruShare: 20 / 63 });
  });

  test("computes the last token again, and keeps its block for longer prompts", () => {
    expect(served([of(1, 20), of(1, 20)], 9).minShare).toBe(10 / 40);
    expect(served([of(1, 20), of(1, 21)], 9)).toMatchObject({
      lruShare: 20 / 41,
      minShare: 20 / 41,
    });
  });

  test("MIN does not keep a block that only recurs as the last of its prompt", () => {
    // Of a cache of one, block a of the second prompt is worth it, not b, which is never a hit.
    const share = served([of(1, 20), of(2, 11), of(1, 20), of(2, 11)], 1).minShare;
    expect(share).toBe(10 / 62);
  });

  test("does not count warm-up requests, but uses the blocks that they left", () => {
    expect(served([of(1, 21), of(1, 21)], 9, { warmup: 1 }).minShare).toBe(20 / 21);
  });

  test("answers take space, and a later turn finds them", () => {
    const turns: Prompt[] = [of(1, 20), [...of(1, 20), { answerOf: 0, tokens: 11 }, ...of(2, 5)]];
    expect(served(turns, 9, { osl: 12 }).minShare).toBe(30 / 56);
    expect(served([of(1, 21), of(2, 21), of(1, 21)], 4, { osl: 22 }).lruShare).toBe(0);
  });

  test("LRU never exceeds MIN, MIN never the ideal, and both reach it when everything fits", () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const random = randomStream(seed, "pooled");
      const prompts = Array.from({ length: 60 }, (): Prompt => [
        { content: random.int(3), tokens: 1 + random.int(60) },
        { content: 10 + random.int(8), tokens: 1 + random.int(40) },
      ]);
      const requests = prompts.map((prompt, index) => {
        const isl = prompt.reduce((sum, { tokens }) => sum + tokens, 0);
        return { index, prompt, isl, osl: 15 };
      });
      const { ideal } = idealShares(requests, { blockSize: 10, warmup: 5 });
      const at = (blocks: number) => served(prompts, blocks, { warmup: 5, osl: 15 });
      for (const blocks of [1, 4, 10, 20, 40]) {
        const { lruShare, minShare } = at(blocks);
        expect(lruShare).toBeLessThanOrEqual(minShare);
        expect(minShare).toBeLessThanOrEqual(ideal);
      }
      expect(at(1e6)).toMatchObject({ lruShare: ideal, minShare: ideal });
    }
  });

  // Published beside the trace: "on L40S the LRU ceiling is about .07, MIN .30" of 8 x 3,089 blocks of 64.
  test.skipIf(CONVERSATION === undefined)(
    "of eight L40S has the shares published for the public trace (skipped where ../shared/data/traces is not beside the checkout)",
    () => {
      const requests = new PooledRequests(64);
      for (const request of traceRequests(CONVERSATION!)) requests.add(request, true);
      const { lruShare, minShare } = requests.served(8 * 3089)!;
      expect(lruShare.toFixed(2)).toBe("0.07");
      expect(minShare.toFixed(2)).toBe("0.30");
    },
  );
});
