import { describe, expect, test } from "bun:test";
import { hitLadder, workerImbalance } from "../../../core/metrics/ladder.ts";

describe("hitLadder", () => {
  test("splits the loss between routing and engine", () => {
    const ladder = hitLadder({
      idealShare: 0.75,
      promptTokens: 800,
      predictedTokens: 400,
      cachedTokens: 300,
    });
    expect(ladder).toEqual({
      ideal: 0.75,
      predicted: 0.5,
      lostByRouting: 0.25,
      delivered: 0.375,
      lostByEngine: 0.125,
    });
  });

  test("says nothing of what is not known", () => {
    expect(hitLadder({ idealShare: 0.75, promptTokens: 800 })).toEqual({ ideal: 0.75 });
    expect(hitLadder({ idealShare: 0.75, promptTokens: 800, cachedTokens: 0 })).toEqual({
      ideal: 0.75,
      delivered: 0,
    });
    expect(hitLadder({ idealShare: 0, promptTokens: 0, cachedTokens: 0 })).toEqual({ ideal: 0 });
  });
});

describe("workerImbalance", () => {
  test("is that of requests and of tokens still to prefill", () => {
    // Requests 2 and 6: mean 4, deviations ±2. Uncached 100 and 100: even.
    const imbalance = workerImbalance([
      { id: "worker-0", requests: 2, promptTokens: 100, cachedTokens: 0 },
      { id: "worker-1", requests: 6, promptTokens: 300, cachedTokens: 200 },
    ]);
    expect(imbalance).toEqual({
      requests: { cv: 0.5, maxOverMean: 1.5 },
      uncachedTokens: { cv: 0, maxOverMean: 1 },
    });
  });

  test("is undefined without work", () => {
    expect(workerImbalance([])).toEqual({ requests: undefined, uncachedTokens: undefined });
  });
});
