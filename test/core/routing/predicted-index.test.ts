import { expect, test } from "bun:test";
import { PredictedIndex } from "../../../core/routing/predicted-index.ts";

const blocks = (...ids: number[]): Int32Array => Int32Array.from(ids);

function depths(index: PredictedIndex, prompt: Int32Array, nowNs: number): number[] {
  const out = new Int32Array(2);
  index.depths(prompt, nowNs, out);
  return [...out];
}

test("a prompt is predicted cached on its worker, as deep as it is shared", () => {
  const index = new PredictedIndex(2, { ttlNs: 100, maxBlocks: 10 });
  index.record(0, blocks(1, 2, 3), 0);
  index.record(1, blocks(1, 9), 0);
  expect(depths(index, blocks(1, 2, 4), 50)).toEqual([2, 1]);
  expect(depths(index, blocks(7), 50)).toEqual([0, 0]);
  expect(depths(index, blocks(), 50)).toEqual([0, 0]);
});

test("predictions end exactly after the time to live, and use renews those of used blocks", () => {
  const index = new PredictedIndex(2, { ttlNs: 100, maxBlocks: 10 });
  index.record(0, blocks(1, 2, 3), 0);
  index.record(0, blocks(1, 2), 60); // renews two of three
  expect(depths(index, blocks(1, 2, 3), 99)).toEqual([3, 0]);
  expect(depths(index, blocks(1, 2, 3), 100)).toEqual([2, 0]);
  expect(depths(index, blocks(1, 2, 3), 159)).toEqual([2, 0]);
  expect(depths(index, blocks(1, 2, 3), 160)).toEqual([0, 0]);
});

test("expired entries are removed with later prompts, not kept for ever", () => {
  const index = new PredictedIndex(1, { ttlNs: 10, maxBlocks: 1000 });
  for (let i = 0; i < 50; i += 1) index.record(0, blocks(2 * i, 2 * i + 1), 100 * i);
  // Each prompt of two blocks may sweep 68 entries, so all but the last prompt's are gone.
  expect(index.kept(0)).toBe(2);
});

test("beyond the bound the least recently used entries are removed, tails before heads", () => {
  const index = new PredictedIndex(2, { ttlNs: Infinity, maxBlocks: 4 });
  index.record(0, blocks(1, 2, 3), 0);
  index.record(0, blocks(1, 8), 1);
  expect(index.kept(0)).toBe(4);
  index.record(0, blocks(9), 2);
  // Order of last use before it: 3, 2 (first prompt, tail first), 8, 1 (second). So 3 left.
  expect(depths(index, blocks(1, 2, 3), 3)).toEqual([2, 0]);
  index.record(0, blocks(10, 11), 4);
  expect(depths(index, blocks(1, 8), 5)).toEqual([1, 0]);
});

test("a prompt longer than the bound keeps its head", () => {
  const index = new PredictedIndex(2, { ttlNs: Infinity, maxBlocks: 2 });
  index.record(0, blocks(1, 2, 3, 4), 0);
  expect(depths(index, blocks(1, 2, 3, 4), 1)).toEqual([2, 0]);
});

test("a cleared candidate is predicted empty, others are unchanged, slots are reused", () => {
  const index = new PredictedIndex(2, { ttlNs: Infinity, maxBlocks: 1000 });
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 300; i += 1) index.record(0, blocks(i), i);
    index.record(1, blocks(5), 0);
    index.clear(0);
    expect(depths(index, blocks(5), 1)).toEqual([0, 1]);
    expect(index.kept(0)).toBe(0);
  }
});
