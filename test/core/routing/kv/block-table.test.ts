import { expect, test } from "bun:test";
import { BlockTable } from "../../../../core/routing/kv/block-table.ts";
import { randomStream } from "../../../../core/base/random.ts";

test("ids are dense, in order of first sight, and stay", () => {
  const table = new BlockTable();
  expect(table.intern(1, 7)).toBe(0);
  expect(table.intern(2, 7)).toBe(1);
  expect(table.intern(1, 8)).toBe(2);
  expect(table.intern(1, 7)).toBe(0);
  expect(table.size).toBe(3);
});

test("looking up creates no id", () => {
  const table = new BlockTable();
  expect(table.find(1, 7)).toBe(-1);
  expect(table.size).toBe(0);
  table.intern(1, 7);
  expect(table.find(1, 7)).toBe(0);
});

test("hash zero and halves above 2^31 are hashes like others", () => {
  const table = new BlockTable();
  expect(table.find(0, 0)).toBe(-1);
  expect(table.intern(0, 0)).toBe(0);
  expect(table.intern(0xffffffff, 0xfffffffe)).toBe(1);
  expect(table.find(0xffffffff | 0, 0xfffffffe | 0)).toBe(1);
  expect([table.high(1), table.low(1)]).toEqual([0xffffffff, 0xfffffffe]);
});

test("random hashes with crowded lower halves agree with a Map, through growth and clear", () => {
  const random = randomStream(3, "block-table");
  const table = new BlockTable();
  for (let round = 0; round < 2; round += 1) {
    const ids = new Map<string, number>();
    for (let i = 0; i < 20_000; i += 1) {
      const high = random.int(4);
      const low = random.int(3000) * (random.int(2) === 0 ? 1 : 4096);
      const key = `${high}:${low}`;
      expect(table.find(high, low)).toBe(ids.get(key) ?? -1);
      if (!ids.has(key)) ids.set(key, ids.size);
      expect(table.intern(high, low)).toBe(ids.get(key)!);
    }
    expect(table.size).toBe(ids.size);
    table.clear();
    expect(table.size).toBe(0);
  }
});
