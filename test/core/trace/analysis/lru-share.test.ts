import { expect, test } from "bun:test";
import { randomStream } from "../../../../core/base/random.ts";
import { lruCurve } from "../../../../core/trace/analysis/lru-curve.ts";
import { lruShare } from "../../../../core/trace/analysis/lru-share.ts";
import type { BlockRows } from "../../../../core/trace/trace-columns.ts";

/** Rows of prefixes of a few chains of blocks, ten tokens a block. */
function rowsOf(seed: number): BlockRows {
  const random = randomStream(seed, "lru");
  const rows = Array.from({ length: 80 }, () => {
    const chain = random.int(5) * 12;
    return Int32Array.from({ length: 1 + random.int(12) }, (_, i) => chain + i);
  });
  return {
    blockSize: 10,
    rows: rows.length,
    totalBlocks: rows.reduce((sum, { length }) => sum + length, 0),
    distinctBlocks: 60,
    isl: (row) => rows[row]!.length * 10 - (row % 10),
    blocks: (row) => rows[row]!,
  };
}

test("equals the curve's point at each capacity, whichever rows count", () => {
  for (let seed = 0; seed < 30; seed += 1) {
    const trace = rowsOf(seed);
    const usable = (row: number): number => Math.floor((trace.isl(row) - 1) / 10);
    for (const rules of [undefined, { usable, firstCounted: 7 }]) {
      const curve = lruCurve(trace, rules);
      for (let capacity = 0; capacity <= 61; capacity += 1) {
        expect(lruShare(trace, capacity, rules)).toBeCloseTo(curve(capacity), 12);
      }
    }
  }
});
