import { describe, expect, test } from "bun:test";
import { lruCurve } from "../../../../core/trace/analysis/lru-curve.ts";
import { minCurve } from "../../../../core/trace/analysis/min-curve.ts";
import { traceSharing } from "../../../../core/trace/analysis/sharing.ts";
import { columnsOf, fromRows, publicTrace } from "../columns.ts";

const conversation = publicTrace("mooncake_conversation.jsonl");
const thousand = publicTrace("mooncake_1000.jsonl");
const WHERE = "(skipped where ../shared/data/traces is not beside the checkout)";

describe("sharing of rows", () => {
  test("a pair of place and id that occurs twice is context, at its first occurrence too", () => {
    // Rows [0 1 2] [0 1] [3]: pairs (0,0) and (1,1) twice; the second row has nothing of its own.
    const { contextTokens, uniqueTokens, rowHitShare } = traceSharing(
      columnsOf([[0, 1, 2], [0, 1], [3]]),
    );
    expect(contextTokens).toMatchObject({ min: 0, p50: 1024, max: 1024 });
    expect(uniqueTokens).toMatchObject({ min: 0, p50: 512, max: 512 });
    // 0/3, 2/2, 0/1.
    expect(rowHitShare!.mean).toBeCloseTo(1 / 3, 15);
  });

  test("a partial last block counts with its tokens", () => {
    const row = { isl: 700, osl: 1, blocks: [0, 1] };
    const { blockHitShare, tokenHitShare } = traceSharing(fromRows([row, row]));
    expect(blockHitShare).toBe(0.5);
    expect(tokenHitShare).toBe(0.5); // 700 of 1400, not 1024
  });

  test("a trace without hash ids has no sharing", () => {
    const sharing = traceSharing(fromRows([{ isl: 700, osl: 1, blocks: [] }]));
    expect(Object.keys(sharing)).toEqual(["isl", "osl"]);
  });

  // Outputs of `datagen analyze` of Dynamo (2025-09) on the two files.
  const published = test.skipIf(conversation === undefined || thousand === undefined);
  published(`is what datagen analyze prints of the public traces ${WHERE}`, () => {
    const sample = traceSharing(thousand!);
    expect(sample.isl).toMatchObject({ mean: 9792.03, p25: 3379.5, p50: 6558, p75: 8775.5 });
    expect(sample.isl.std).toBeCloseTo(13_363.346, 3);
    expect(sample.contextTokens!.mean).toBe(4729.816);
    expect(sample.uniqueTokens!.mean).toBe(5062.214);
    expect(sample.osl.mean).toBe(199.084);
    expect(sample.rowHitShare!.mean).toBeCloseTo(0.536876, 6);
    expect(sample.rowHitShare!.p50).toBeCloseTo(0.714286, 6);
    expect(sample.blockHitShare).toBeCloseTo(0.379915, 6);
    expect(sample.tokenHitShare).toBeCloseTo(0.390747, 6);

    const hour = traceSharing(conversation!);
    expect(hour.isl).toMatchObject({ p25: 2306.5, p50: 6909, p75: 15_367, max: 126_195 });
    expect(hour.isl.mean).toBeCloseTo(12_035.0613, 4);
    expect(hour.isl.std).toBeCloseTo(15_800.3449, 4);
    expect(hour.contextTokens!.mean).toBeCloseTo(6373.5855, 4);
    expect(hour.uniqueTokens!.mean).toBeCloseTo(5661.4759, 4);
    expect(hour.osl.mean).toBeCloseTo(342.6189, 4);
    expect(hour.rowHitShare!.mean).toBeCloseTo(0.384258, 6);
    expect(hour.rowHitShare!.p50).toBeCloseTo(0.333333, 6);
    expect(hour.blockHitShare).toBeCloseTo(0.366412, 6);
    expect(hour.tokenHitShare).toBeCloseTo(0.373624, 6);
  });
});

describe("hits of a pooled cache", () => {
  // a b | c d | a b: two blocks lie between the uses of a and of b.
  const twice = columnsOf([
    [0, 1],
    [2, 3],
    [0, 1],
  ]);

  test("under LRU every block that still fits since its last use", () => {
    const share = lruCurve(twice);
    // In a cache of three, c and d have pushed out b, the deeper of the first two.
    expect([0, 1, 2, 3, 4, 100].map((blocks) => share(blocks) * 6)).toEqual([0, 0, 0, 1, 2, 2]);
  });

  test("under MIN blocks that are needed again stay, the deepest are evicted first", () => {
    expect(minCurve(twice, [0, 1, 2, 100]).map((share) => share * 6)).toEqual([0, 1, 2, 2]);
  });

  test("a block behind a missing one does not hit", () => {
    // The second row's block 1 follows another block than the first row's.
    const strays = columnsOf([
      [0, 1],
      [2, 1],
    ]);
    expect(lruCurve(strays)(100)).toBe(0);
    expect(minCurve(strays, [100])).toEqual([0]);
  });

  // Bounds published for the conversation trace, to three digits.
  test.skipIf(conversation === undefined)(
    `is the published bound of the public trace ${WHERE}`,
    () => {
      const pools = [375, 1500, 3000, 6000, 12_000, 24_000, 48_000, 1e9];
      const digits = (shares: number[]): number[] =>
        shares.map((share) => Number(share.toFixed(3)));
      expect(digits(pools.map(lruCurve(conversation!)))).toEqual([
        0.043, 0.049, 0.067, 0.142, 0.235, 0.313, 0.361, 0.374,
      ]);
      // The published figure at 375 is 0.122: it counts partial last blocks as if they were full.
      expect(digits(minCurve(conversation!, pools.slice(0, 5)))).toEqual([
        0.121, 0.232, 0.3, 0.362, 0.374,
      ]);
    },
  );
});
