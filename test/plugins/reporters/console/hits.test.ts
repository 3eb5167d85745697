import { expect, test } from "bun:test";
import { pooledBlock } from "../../../../plugins/reporters/console/hits.ts";
import { guideRun } from "../../../fixtures/results/generate-run.ts";

test("each capacity is printed once, whatever arms and repeats had it", () => {
  const run = guideRun();
  expect(pooledBlock(run)).toEqual([]);
  for (const { cache, arm } of run.summary.cells) {
    cache.idealShare = 0.3741;
    cache.pooled =
      arm === "kv"
        ? { blocks: 24_712, lruShare: 0.0684, minShare: 0.3026 }
        : { blocks: 56_984, lruShare: 0.1649, minShare: 0.3699 };
  }
  expect(pooledBlock(run).toSorted()).toEqual(
    [
      "Share of prompt tokens that one cache as large as all workers' together serves:",
      "  24,712 blocks: 0.068 with LRU, at most 0.303 (MIN); without a bound 0.374",
      "  56,984 blocks: 0.165 with LRU, at most 0.370 (MIN); without a bound 0.374",
    ].toSorted(),
  );
});
