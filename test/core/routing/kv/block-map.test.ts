import { expect, test } from "bun:test";
import { BlockMap } from "../../../../core/routing/kv/block-map.ts";
import { randomStream } from "../../../../core/base/random.ts";

test("agrees with a Map through random sets, sums and deletes", () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const random = randomStream(seed);
    const map = new BlockMap();
    const model = new Map<number, number>();
    // Few ids and many operations: collisions, chains across the wrap, growth and shrinking.
    for (let step = 0; step < 3000; step += 1) {
      const block = random.int(600);
      const operation = random.int(4);
      if (operation === 0) {
        map.set(block, step + 1);
        model.set(block, step + 1);
      } else if (operation === 1) {
        map.delete(block);
        model.delete(block);
      } else {
        const delta = operation === 2 ? 1 : -(model.get(block) ?? 0);
        const sum = (model.get(block) ?? 0) + delta;
        expect(map.add(block, delta)).toBe(sum);
        if (sum === 0) model.delete(block);
        else model.set(block, sum);
      }
    }
    expect(map.size).toBe(model.size);
    for (let block = 0; block < 600; block += 1) expect(map.get(block)).toBe(model.get(block) ?? 0);
  }
});

test("clear empties it and it can be filled again", () => {
  const map = new BlockMap();
  for (let block = 0; block < 1000; block += 1) map.set(block, 1);
  map.clear();
  expect(map.size).toBe(0);
  expect(map.get(5)).toBe(0);
  map.set(5, 7);
  expect(map.get(5)).toBe(7);
});

test("ids up to the largest 32-bit one are distinguished", () => {
  const map = new BlockMap();
  map.set(2 ** 31 - 1, 1);
  map.set(0, 2);
  expect([map.get(2 ** 31 - 1), map.get(0), map.get(1)]).toEqual([1, 2, 0]);
});
