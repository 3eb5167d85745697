/** Overlaps that routers expected and those that were found: the steps from the ideal to the hits. */
import { expect, test } from "bun:test";
import { CellTally } from "../../core/metrics/tally/cell-tally.ts";
import { simulate } from "./simulate.ts";
import { sweepRequests } from "./sweep-requests.ts";

const requests = sweepRequests(0.5, 0);
const load = { arrival: "closed", concurrency: 20 } as const;

test.each(["kv", "kv-approx"])("of %s decreases step by step", async (policy) => {
  const mocker = { timing: "l40s" };
  const { records, simulation } = await simulate({ requests, mocker, policy, load });
  const { cache, expected } = CellTally.of(records);
  expect(expected.requests).toBe(200);
  expect(expected.bestTokens / cache.promptTokens).toBeLessThanOrEqual(
    simulation.bounds.idealShare,
  );
  expect(expected.tokens).toBeLessThan(expected.bestTokens);
  for (const record of records) {
    expect(record.expected!.tokens).toBeLessThanOrEqual(record.expected!.bestTokens);
    expect(record.expected!.bestTokens).toBeLessThan(record.isl);
  }
});

test("by events is never more than was stored, with one worker and unlimited room", async () => {
  const mocker = { timing: "l40s", workers: 1, kvBlocks: 60_000 };
  const { records } = await simulate({ requests, mocker, policy: "kv", load });
  // Nothing is evicted, so what was known to be there is found, and what was computed since as well.
  for (const { expected, cachedTokens } of records) {
    expect(cachedTokens!).toBeGreaterThanOrEqual(expected!.tokens);
    expect(expected!.tokens).toBe(expected!.bestTokens);
  }
});

test("is left out by a policy that does not look at caches", async () => {
  const { records } = await simulate({ requests, mocker: {}, policy: "round-robin", load });
  expect(records.every(({ expected }) => expected === undefined)).toBe(true);
});
