import { describe, expect, test } from "bun:test";
import {
  drawnLosses,
  hitLadder,
  workerImbalance,
  type HitLadder,
} from "../../../core/metrics/ladder.ts";

describe("hitLadder", () => {
  const sum = (ladder: HitLadder): number =>
    ladder.losses.reduce((rest, { share }) => rest - share, ladder.ideal);

  test("separates what was in no cache, on another worker, and not found; the rest was found", () => {
    // Eighths, so that differences are exact: 6/8 ideal, 5/8 present, 4/8 expected, 3/8 found.
    const ladder = hitLadder({
      idealShare: 0.75,
      presentShare: 0.625,
      expectedShare: 0.5,
      cachedShare: 0.375,
    })!;
    expect(ladder).toEqual({
      ideal: 0.75,
      losses: [
        { name: "absent", share: 0.125 },
        { name: "choice", share: 0.125 },
        { name: "unmet", share: 0.125 },
      ],
      found: 0.375,
    });
    expect(sum(ladder)).toBe(ladder.found);
  });

  test("finding more than was expected is a loss below zero", () => {
    const ladder = hitLadder({ idealShare: 0.75, expectedShare: 0.25, cachedShare: 0.5 })!;
    expect(ladder.losses).toEqual([
      { name: "unseen", share: 0.5 },
      { name: "unmet", share: -0.25 },
    ]);
    expect(sum(ladder)).toBe(0.5);
  });

  test("has one step for a router that does not look at caches, and none where nothing is reported", () => {
    expect(hitLadder({ idealShare: 0.75, cachedShare: 0.5 })!.losses).toEqual([
      { name: "unreached", share: 0.25 },
    ]);
    expect(hitLadder({ idealShare: 0.75 })).toBeUndefined();
  });
});

describe("workerImbalance", () => {
  test("is computed of requests and of tokens to prefill", () => {
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

describe("drawnLosses", () => {
  const ladderOf = (...shares: [number, number, number]) => {
    const losses = (["absent", "choice", "unmet"] as const).map((name, i) => ({
      name,
      share: shares[i]!,
    }));
    return { ideal: 0.75, losses, found: 0.75 - shares[0] - shares[1] - shares[2] };
  };
  const drawn = (...shares: [number, number, number]) =>
    drawnLosses(ladderOf(...shares)).map(({ share }) => share);

  test("are the losses where none is below zero", () => {
    expect(drawn(0.125, 0.25, 0.125)).toEqual([0.125, 0.25, 0.125]);
  });

  test("a surplus over what was expected is taken off the losses before it, so that bars end at the ideal", () => {
    expect(drawn(0.125, 0.25, -0.125)).toEqual([0.125, 0.125, 0]);
    expect(drawn(0.125, 0.25, -0.3125)).toEqual([0.0625, 0, 0]);
  });
});
