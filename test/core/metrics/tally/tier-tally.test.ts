import { describe, expect, test } from "bun:test";
import { CellTally } from "../../../../core/metrics/tally/cell-tally.ts";
import { tierResults } from "../../../../core/metrics/tally/tier-tally.ts";
import type { RequestRecord } from "../../../../core/contract/record.ts";

const TIERS = [
  { name: "low", share: 0.5, priority: 0 },
  { name: "high", share: 0.5, priority: 2 },
];

/** Ten tokens; first after `ttftMs`, last and end 90 ms later: TPOT 10 ms. */
function answered(tier: string, ttftMs: number, more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    ...{ cell: "c", index: 0, phase: "measured", state: "ok", tier, intendedNs: 1e6, sentNs: 1e6 },
    ...{ isl: 100, promptTokens: 100, cachedTokens: 25, oslRequested: 10, osl: 10 },
    firstTokenNs: 1e6 + ttftMs * 1e6,
    lastTokenNs: 1e6 + (ttftMs + 90) * 1e6,
    endNs: 1e6 + (ttftMs + 90) * 1e6,
    ...more,
  };
}

function resultsOf(records: RequestRecord[], load: Parameters<typeof tierResults>[1]) {
  return tierResults(CellTally.of(records).tiers, load, 1);
}

describe("results by tier", () => {
  test("cover the tier's completed measured requests", () => {
    const { tiers } = resultsOf(
      [
        answered("low", 310),
        answered("low", 110, { cachedTokens: 75 }),
        answered("low", 5, { phase: "warmup" }),
        answered("low", 5, { state: "failed" }),
        answered("high", 10),
      ],
      { tiers: TIERS },
    );
    const [low, high] = tiers!;
    expect(low).toMatchObject({
      ...{ name: "low", priority: 0, cachedShare: 0.5 },
      requests: { sent: 3, ok: 2, failed: 1, dropped: 0 },
      ttftMs: { n: 2, mean: 210, min: 110, max: 310 },
      tpotMs: { mean: 10 },
      e2eMs: { mean: 300 },
    });
    expect(low!.tokensPerS).toBeCloseTo(20 / 0.6, 9); // 20 tokens in .4 + .2 s
    expect(low).not.toHaveProperty("itlMs");
    expect(high).toMatchObject({ name: "high", priority: 2, cachedShare: 0.25 });
  });

  test("include how evenly the tiers were served", () => {
    // Mean TTFT 310 and 10: Jain 320² / (2 · (310² + 10²)) = .5322245; max / min 31.
    // Tokens per second 10 / .4 = 25 and 10 / .1 = 100: Jain 125² / (2 · 10625) = .735294; 4.
    const { fairness } = resultsOf([answered("low", 310), answered("high", 10)], { tiers: TIERS });
    expect(fairness!.ttft.jain).toBeCloseTo(0.5322245, 6);
    expect(fairness!.ttft.maxOverMin).toBeCloseTo(31, 9);
    expect(fairness!.service.jain).toBeCloseTo(0.735294, 6);
    expect(fairness!.service.maxOverMin).toBeCloseTo(4, 9);
  });

  test("have no priority where none was sent, and no fairness for a single tier", () => {
    const load = { tiers: TIERS, sendPriority: "off" as const };
    const { tiers, fairness } = resultsOf([answered("low", 10)], load);
    expect(tiers!.map((tier) => "priority" in tier)).toEqual([false, false]);
    expect(tiers![1]).toEqual({
      name: "high",
      requests: { sent: 0, ok: 0, failed: 0, dropped: 0 },
    });
    expect(fairness).toBeUndefined();
  });

  test("have the share of requests that kept the limits, and intervals of their means", () => {
    const records = Array.from({ length: 30 }, (_, i) => answered("low", 100 + i));
    const load = { tiers: TIERS, slo: { ttftMs: 114, e2eMs: 1000 } };
    const failed = answered("low", 5, { state: "failed" });
    const [low, high] = resultsOf([...records, failed, answered("high", 10)], load).tiers!;
    expect(low!.sloShare).toBe(15 / 31); // 100 to 114 ms; the failed one kept nothing
    expect(low!.ttftMeanMs!.value).toBeCloseTo(114.5, 9);
    expect(low!.ttftMeanMs!.low).toBeLessThan(114.5);
    expect(low!.e2eMeanMs!.value).toBeCloseTo(204.5, 9);
    expect(high).not.toHaveProperty("ttftMeanMs"); // one request
    expect(high!.sloShare).toBe(1);
  });

  test("are empty for a load without tiers", () => {
    expect(resultsOf([answered("low", 10)], {})).toEqual({});
  });
});
