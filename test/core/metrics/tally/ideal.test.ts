import { describe, expect, test } from "bun:test";
import { IdealCache, idealShares } from "../../../../core/metrics/tally/ideal.ts";
import { randomStream } from "../../../../core/base/random.ts";
import type { RequestSpec } from "../../../../core/contract/request.ts";

const request = (index: number, prompt: RequestSpec["prompt"], osl = 1): RequestSpec => ({
  index,
  prompt,
  isl: prompt.reduce((sum, segment) => sum + segment.tokens, 0),
  osl,
});

describe("ideal share", () => {
  test("counts whole blocks from the prompt's start", () => {
    // Block 10. Second: 25 tokens shared = 2 blocks = 20 of 40. Sum: 20 of 80.
    const shares = idealShares(
      [
        request(0, [
          { content: 1, tokens: 25 },
          { content: 2, tokens: 15 },
        ]),
        request(1, [
          { content: 1, tokens: 25 },
          { content: 3, tokens: 15 },
        ]),
      ],
      { blockSize: 10, workers: 2 },
    );
    expect(shares).toEqual({ ideal: 0.25, roundRobin: 0 });
  });

  test("never includes the last token: a repeated exact multiple computes its last block again", () => {
    const repeated = (tokens: number) =>
      idealShares([request(0, [{ content: 1, tokens }]), request(1, [{ content: 1, tokens }])], {
        blockSize: 10,
        workers: 1,
      }).ideal;
    expect(repeated(40)).toBe(30 / 80);
    expect(repeated(41)).toBe(40 / 82);
    expect(repeated(9)).toBe(0);
  });

  test("does not count warm-up requests, but uses the blocks that they left in the cache", () => {
    const requests = [0, 1, 2].map((index) => request(index, [{ content: 1, tokens: 41 }]));
    expect(idealShares(requests, { blockSize: 10, workers: 2, warmup: 1 })).toEqual({
      ideal: 80 / 82,
      roundRobin: 40 / 82, // request 1 meets an empty worker 1, request 2 the warm worker 0
    });
  });

  test("finds a conversation's answers without their last token, which was never computed", () => {
    // Turn 2 repeats 20 prompt and 21 answer tokens: 20 of the answer were computed, 4 blocks.
    const shares = idealShares(
      [
        request(0, [{ content: 1, tokens: 20 }], 21),
        request(1, [
          { content: 1, tokens: 20 },
          { answerOf: 0, tokens: 21 },
          { content: 2, tokens: 9 },
        ]),
      ],
      { blockSize: 10, workers: 1 },
    );
    expect(shares.ideal).toBe(40 / 70);
  });

  test("is unknown before the first measured request", () => {
    const cache = new IdealCache({ blockSize: 10, workers: 2 });
    cache.add(request(0, [{ content: 1, tokens: 10 }]), false);
    expect(cache.shares.ideal).toBeNaN();
  });
});

/**
 * The guide's prefix workload in a few lines: 200 requests of 20 prefixes, unique part
 * N(mean, mean/4) redrawn below zero, rounded up, at least 1.
 */
function* prefixRequests(ratio: number, seed: number): Generator<RequestSpec> {
  const random = randomStream(seed, "prefix-reference");
  const prefix = Math.trunc(14000 * ratio);
  const unique = Math.trunc(14000 * (1 - ratio));
  for (let index = 0; index < 200; index += 1) {
    let drawn = random.normal(unique, unique / 4);
    while (drawn < 0) drawn = random.normal(unique, unique / 4);
    yield request(index, [
      { content: random.int(20), tokens: prefix },
      { content: 100 + index, tokens: Math.max(1, Math.ceil(drawn)) },
    ]);
  }
}

describe("the guide's prefix workload (block 64, 200 requests, 20 prefixes)", () => {
  // A single draw of the round-robin share varies by ±.02 (one standard deviation), hence 30 draws.
  // Expected shares with unbounded caches, shuffle: reference values computed apart from this code,
  // close to r · (1 − 20·(1 − .95^m)/m) with m = 200 (one cache) and 25 (each of 8).
  const cases: [number, number, number][] = [
    [0.1, 0.086, 0.04],
    [0.3, 0.267, 0.125],
    [0.5, 0.448, 0.21],
    [0.7, 0.629, 0.295],
    [0.9, 0.806, 0.378],
  ];
  test.each(cases)("ratio %p: %p in one cache, %p round robin over 8", (ratio, ideal, dealt) => {
    const draws = Array.from({ length: 30 }, (_, seed) =>
      idealShares(prefixRequests(ratio, seed), { blockSize: 64, workers: 8 }),
    );
    const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(Math.abs(mean(draws.map((draw) => draw.ideal)) - ideal)).toBeLessThan(0.003);
    expect(Math.abs(mean(draws.map((draw) => draw.roundRobin)) - dealt)).toBeLessThan(0.01);
    for (const draw of draws) expect(Math.abs(draw.ideal - ideal)).toBeLessThan(0.01);
  });
});
