import { describe, expect, test } from "bun:test";
import { PrefixIndex } from "../../../../core/routing/kv/prefix-index.ts";
import { randomStream } from "../../../../core/base/random.ts";

function depths(index: PrefixIndex, candidates: number, blocks: number[]): number[] {
  const out = new Int32Array(candidates).fill(99);
  index.depths(Int32Array.from(blocks), out);
  return [...out];
}

describe("prefix index", () => {
  test("a depth counts leading blocks up to the first that is missing", () => {
    const index = new PrefixIndex(3);
    for (const block of [0, 1, 2]) index.stored(0, block);
    for (const block of [0, 2]) index.stored(1, block);
    for (const block of [1, 2]) index.stored(2, block);
    expect(depths(index, 3, [0, 1, 2])).toEqual([3, 1, 0]);
    expect(depths(index, 3, [0, 1, 2, 3])).toEqual([3, 1, 0]);
    expect(depths(index, 3, [])).toEqual([0, 0, 0]);
  });

  test("ids never stored, and -1, are held by no candidate", () => {
    const index = new PrefixIndex(1);
    index.stored(0, 0);
    expect(depths(index, 1, [0, 1_000_000])).toEqual([1]);
    expect(depths(index, 1, [-1, 0])).toEqual([0]);
  });

  test("a block stored twice is gone after two removals, a third does nothing", () => {
    const index = new PrefixIndex(2);
    index.stored(1, 5);
    index.stored(1, 5);
    index.removed(1, 5);
    expect(depths(index, 2, [5])).toEqual([0, 1]);
    index.removed(1, 5);
    expect(depths(index, 2, [5])).toEqual([0, 0]);
    index.removed(1, 5);
    index.stored(1, 5);
    expect(depths(index, 2, [5])).toEqual([0, 1]);
  });

  test("clearing a candidate forgets its copies and leaves the others", () => {
    const index = new PrefixIndex(2);
    index.stored(0, 5);
    index.stored(0, 5);
    index.stored(1, 5);
    index.clear(0);
    expect([index.held(0), index.held(1), index.blocks]).toEqual([0, 1, 1]);
    index.stored(0, 5);
    index.removed(0, 5);
    expect(depths(index, 2, [5])).toEqual([0, 1]);
  });

  test.each([1, 2, 8, 31, 32, 33, 64, 100])(
    "%p candidates agree with maps of counts",
    (candidates) => {
      for (let seed = 0; seed < 10; seed += 1) {
        const random = randomStream(seed, "prefix-index", candidates);
        const index = new PrefixIndex(candidates);
        const naive = Array.from({ length: candidates }, () => new Map<number, number>());
        const ids = 2 + random.int(3000);
        for (let step = 0; step < 600; step += 1) {
          const candidate = random.int(candidates);
          const block = random.int(random.int(2) === 0 ? ids : 8);
          const copies = naive[candidate]!.get(block) ?? 0;
          const draw = random.int(100);
          if (draw < 60) {
            index.stored(candidate, block);
            naive[candidate]!.set(block, copies + 1);
          } else if (draw < 97) {
            index.removed(candidate, block);
            if (copies > 1) naive[candidate]!.set(block, copies - 1);
            else naive[candidate]!.delete(block);
          } else {
            index.clear(candidate);
            naive[candidate]!.clear();
          }
          if (step % 10 !== 0) continue;
          const prompt = Array.from({ length: random.int(6) }, () => random.int(9) - 1);
          expect({ seed, step, depths: depths(index, candidates, prompt) }).toEqual({
            seed,
            step,
            depths: naive.map((held) => {
              const missing = prompt.findIndex((id) => !held.has(id));
              return missing < 0 ? prompt.length : missing;
            }),
          });
        }
        naive.forEach((held, candidate) => expect(index.held(candidate)).toBe(held.size));
        expect(index.blocks).toBe(new Set(naive.flatMap((held) => [...held.keys()])).size);
      }
    },
  );
});
