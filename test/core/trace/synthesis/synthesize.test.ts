import { describe, expect, test } from "bun:test";
import { randomStream } from "../../../../core/base/random.ts";
import { coreTree, type CoreNode } from "../../../../core/trace/analysis/core-tree.ts";
import { prefixTree } from "../../../../core/trace/analysis/prefix-tree.ts";
import { traceSharing } from "../../../../core/trace/analysis/sharing.ts";
import {
  synthesizeRows,
  type SynthesisKnobs,
} from "../../../../core/trace/synthesis/synthesize.ts";
import type { TraceColumns } from "../../../../core/trace/trace-columns.ts";
import { learnTrace } from "../../../../core/trace/synthesis/trace-model.ts";
import { columnsOf, fromRows, publicTrace } from "../columns.ts";

const PLAIN: SynthesisKnobs = {
  arrivalSpeedup: 1,
  prefixLenMultiplier: 1,
  prefixRootMultiplier: 1,
  promptLenMultiplier: 1,
  oslMultiplier: 1,
  minIsl: 1,
  maxIsl: 1e8,
  minOsl: 1,
  maxOsl: 1e8,
};

function drawn(trace: TraceColumns, knobs: Partial<SynthesisKnobs>, count: number, seed = 0) {
  const random = randomStream(seed, "synthesize");
  return [
    ...synthesizeRows(learnTrace(trace, "t.jsonl"), { ...PLAIN, ...knobs }, { random, count }),
  ];
}

/** The rows of the example in the README of Dynamo's prefix data generator. */
const EXAMPLE = columnsOf([
  [0, 1, 2, 3],
  [0, 1],
  [0, 1, 2],
  [0, 4, 5],
]);

describe("the learned model", () => {
  test("the README's example: shares of the branches at each node, lengths of the rest", () => {
    const { root, leafBlocks } = coreTree(prefixTree(EXAMPLE));
    const shape = (node: CoreNode): unknown => ({
      last: node.last,
      visits: node.visits,
      leaves: node.leaves,
      ends: node.ends.length,
      children: node.children.map(shape),
    });
    const two = { last: 2, visits: 2, leaves: 1, ends: 1, children: [] };
    const one = { last: 1, visits: 3, leaves: 0, ends: 1, children: [two] };
    const zero = { last: 0, visits: 4, leaves: 1, ends: 0, children: [one] };
    expect(shape(root)).toEqual({ last: -1, visits: 4, leaves: 0, ends: 0, children: [zero] });
    expect(leafBlocks).toEqual([1, 2]);
  });

  test("runs that all visitors walk to the end are one node (Dynamo's test graph)", () => {
    const rows = [
      [0, 1],
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4, 5, 6],
      [7, 8],
      [7, 8, 9, 10],
      [11, 12],
    ];
    const { root, leafBlocks } = coreTree(prefixTree(columnsOf(rows)));
    expect(root).toMatchObject({ visits: 6, leaves: 1 });
    expect(root.children.map(({ last, visits, blocks }) => [last, visits, blocks])).toEqual([
      [1, 3, 2],
      [8, 2, 2],
    ]);
    expect(root.children[0]!.children).toMatchObject([
      { last: 4, visits: 2, blocks: 3, leaves: 1 },
    ]);
    expect(leafBlocks).toEqual([2, 2, 2]);
  });

  test("equal ids after different histories are different blocks", () => {
    expect(
      prefixTree(
        columnsOf([
          [0, 9],
          [1, 9],
        ]),
      ).nodes,
    ).toBe(4);
  });

  test("a single row, or rows without hash ids, cannot be learned from", () => {
    const row = { isl: 512, osl: 1, blocks: [0] };
    expect(() => learnTrace(fromRows([row]), "t.jsonl")).toThrow(
      'Cannot learn from "t.jsonl": it has one row',
    );
    const bare = { isl: 512, osl: 1, blocks: [] };
    expect(() => learnTrace(fromRows([bare, bare]), "t.jsonl")).toThrow(
      "its rows have no hash_ids",
    );
  });
});

describe("synthesized rows", () => {
  test("of two equal rows are that row", () => {
    const rows = drawn(
      columnsOf([
        [5, 6],
        [5, 6],
      ]),
      {},
      3,
    );
    for (const row of rows) expect(row).toMatchObject({ blocks: [0, 1], isl: 1024, osl: 10 });
  });

  test("stretched prefixes lead up to the ids 1, 3 and 5 of the README's example", () => {
    const paths = new Set(
      drawn(EXAMPLE, { prefixLenMultiplier: 2 }, 200).map(({ blocks }) =>
        blocks.map((id) => (id < 12 ? id : "new")).join(" "),
      ),
    );
    expect([...paths].toSorted()).toEqual([
      "0 1 2 3",
      "0 1 2 3 4 5",
      "0 1 2 3 4 5 new",
      "0 1 2 3 4 5 new new",
      "0 1 new",
      "0 1 new new",
    ]);
  });

  test("unique blocks are never used twice", () => {
    const own = drawn(EXAMPLE, { promptLenMultiplier: 3 }, 500).flatMap(({ blocks }) =>
      blocks.filter((id) => id >= 6),
    );
    expect(new Set(own).size).toBe(own.length);
    expect(own.length).toBeGreaterThan(500);
  });

  test("copies of the tree interleave their ids and share nothing", () => {
    const roots = new Set(
      drawn(EXAMPLE, { prefixRootMultiplier: 3 }, 100).map(({ blocks }) => blocks[0]),
    );
    expect(roots).toEqual(new Set([0, 1, 2]));
  });

  test("outputs are stretched, truncated to whole tokens, then bounded", () => {
    const osls = (knobs: Partial<SynthesisKnobs>): number => drawn(EXAMPLE, knobs, 1)[0]!.osl;
    expect(osls({ oslMultiplier: 1.59 })).toBe(15);
    expect(osls({ oslMultiplier: 0.01 })).toBe(1);
    expect(osls({ oslMultiplier: 2, maxOsl: 12 })).toBe(12);
    expect(osls({ minOsl: 30 })).toBe(30);
  });

  test("arrivals are sped up as fractions of a millisecond", () => {
    const times = drawn(EXAMPLE, { arrivalSpeedup: 3 }, 3).map(({ atMs }) => atMs);
    expect(times).toEqual([0, 1000 / 3, 1000 / 3 + 1000 / 3]);
  });

  test("arrive in groups as in the trace, and have no times where it has none", () => {
    const row = { isl: 512, osl: 1, blocks: [0] };
    const pairs = [0, 0, 50, 50].map((atMs) => ({ ...row, atMs }));
    expect(drawn(fromRows(pairs), {}, 4).map(({ atMs }) => atMs)).toEqual([0, 0, 50, 50]);
    expect(drawn(fromRows([row, row]), {}, 2).map(({ atMs }) => atMs)).toEqual([
      undefined,
      undefined,
    ]);
  });

  test("outside the bounds of the prompt length are dropped; bounds that none meets are a fault", () => {
    const rows = drawn(EXAMPLE, { minIsl: 1500, maxIsl: 2000 }, 50);
    expect(new Set(rows.map(({ isl }) => isl))).toEqual(new Set([1536]));
    expect(() => drawn(EXAMPLE, { minIsl: 9000 }, 1)).toThrow(
      "none of 100000 rows has a prompt of 9000",
    );
  });

  test("are the same for the same seed", () => {
    expect(drawn(EXAMPLE, {}, 50, 3)).toEqual(drawn(EXAMPLE, {}, 50, 3));
    expect(drawn(EXAMPLE, {}, 50, 3)).not.toEqual(drawn(EXAMPLE, {}, 50, 4));
  });
});

const conversation = publicTrace("mooncake_conversation.jsonl");
const WHERE = "(skipped where ../shared/data/traces is not beside the checkout)";

describe("the public trace", () => {
  const published = test.skipIf(conversation === undefined);

  published(`has the tree that was published ${WHERE}`, () => {
    const tree = prefixTree(conversation!);
    const { root, leafBlocks, sharedBlocks } = coreTree(tree);
    expect([tree.nodes, sharedBlocks, leafBlocks.length]).toEqual([182_790, 44_144, 11_817]);
    const sum = leafBlocks.reduce((total, blocks) => total + blocks, 0);
    expect(sum / leafBlocks.length).toBeCloseTo(11.7328, 4);
    expect(root.children.map(({ visits, blocks }) => [visits, blocks])).toEqual([[12_031, 1]]);
  });

  published(`means are preserved within 3 % ${WHERE}`, () => {
    // Expectations of the algorithm without its draws: E[ISL] 12,039.38, E[context] 12.4557 blocks.
    const rows = drawn(conversation!, {}, 40_000);
    const meanOf = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    const close = (value: number, expected: number): void =>
      expect(Math.abs(value / expected - 1)).toBeLessThan(0.03);
    close(meanOf(rows.map(({ isl }) => isl)), 12_039.38);
    close(meanOf(rows.map(({ contextTokens }) => contextTokens)), 12.4557 * 512);
    close(meanOf(rows.map(({ osl }) => osl)), 342.6189);
  });

  published(
    `knobs move the statistics as in Dynamo's generator ${WHERE}`,
    () => {
      // Dynamo's generator, 12,031 rows: mean ISL, hit share of all blocks. One draw is within a few
      // percent of another, so ratios to the plain draw of the same seed are compared.
      const share = (knobs: Partial<SynthesisKnobs>): { isl: number; hit: number } => {
        const { isl, blockHitShare } = traceSharing(fromRows(drawn(conversation!, knobs, 12_031)));
        return { isl: isl.mean, hit: blockHitShare! };
      };
      const plain = share({});
      for (const [knobs, isl, hit] of [
        [{ prefixLenMultiplier: 0.5 }, 9237.5 / 11_949.6, 0.2766 / 0.3707],
        [{ prefixRootMultiplier: 3 }, 1, 0.2431 / 0.3707],
        [{ promptLenMultiplier: 0.5 }, 9085 / 11_949.6, 0.4846 / 0.3707],
      ] as const) {
        const moved = share(knobs);
        expect(Math.abs(moved.isl / plain.isl / isl - 1)).toBeLessThan(0.03);
        expect(Math.abs(moved.hit / plain.hit / hit - 1)).toBeLessThan(0.03);
      }
    },
    30_000,
  );
});
