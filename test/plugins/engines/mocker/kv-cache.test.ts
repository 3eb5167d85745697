/** Block pool, block map and queue: orders by hand, and against plain models by seed. */
import { describe, expect, test } from "bun:test";
import { randomStream } from "dynbench";
import { Fifo } from "../../../../plugins/engines/mocker/fifo.ts";
import { KvCache } from "../../../../plugins/engines/mocker/kv-cache.ts";

function cacheOf(capacity: number) {
  const evicted: number[] = [];
  return { evicted, cache: new KvCache(capacity, (block) => evicted.push(block)) };
}

describe("KvCache", () => {
  test("tails go before heads, older sequences before newer, and unfindable blocks first", () => {
    const { cache, evicted } = cacheOf(6);
    const held = Int32Array.from({ length: 6 }, () => cache.take());
    for (const [i, block] of [10, 11, 12, 20, 21].entries()) cache.label(held[i]!, block);
    cache.release(held.subarray(3), 3); // 20, 21 and a partial block
    cache.release(held, 3); // 10, 11, 12
    expect(cache.take()).toBe(held[5]!);
    expect(evicted).toEqual([]);
    for (let i = 0; i < 5; i += 1) cache.take();
    expect(evicted).toEqual([21, 20, 12, 11, 10]);
    expect(cache.free).toBe(0);
    expect(() => cache.take()).toThrow("No free KV block");
  });

  test("a shared block is free when its last holder releases it", () => {
    const { cache } = cacheOf(3);
    const held = Int32Array.of(cache.take());
    cache.label(held[0]!, 7);
    cache.hold(cache.find(7));
    cache.release(held, 1);
    expect(cache.free).toBe(2);
    cache.release(held, 1);
    expect(cache.free).toBe(3);
    expect(() => cache.release(held, 1)).toThrow("released more often than held");
  });

  test("the oldest copy is found; when it is evicted, the next one", () => {
    const { cache, evicted } = cacheOf(3);
    const copies = Int32Array.from({ length: 3 }, () => cache.take());
    for (const physical of copies) cache.label(physical, 5);
    expect(cache.find(5)).toBe(copies[0]!);
    cache.release(copies.subarray(1), 1); // the middle copy
    cache.take();
    expect(cache.find(5)).toBe(copies[0]!);
    cache.release(copies, 1);
    cache.take();
    expect(cache.find(5)).toBe(copies[2]!);
    expect(evicted).toEqual([5, 5]);
    expect(cache.copies()).toEqual(new Map([[5, 1]]));
  });

  test("reset forgets everything, and refuses while blocks are held", () => {
    const { cache } = cacheOf(2);
    const held = Int32Array.of(cache.take());
    cache.label(held[0]!, 3);
    expect(() => cache.reset()).toThrow("while blocks are held");
    cache.release(held, 1);
    cache.reset();
    expect(cache.find(3)).toBe(-1);
    expect(cache.copies().size).toBe(0);
  });

  test("lists of copies stay whole under random takes, labels and releases", () => {
    const random = randomStream(1, "copies");
    const { cache, evicted } = cacheOf(12);
    const held: number[] = [];
    for (let i = 0; i < 3_000; i += 1) {
      if (cache.free > 0 && random.next() < 0.55) {
        const physical = cache.take();
        if (random.next() < 0.8) cache.label(physical, random.int(4));
        held.push(physical);
      } else if (held.length > 0) {
        const [physical] = held.splice(random.int(held.length), 1);
        cache.release(Int32Array.of(physical!), 1);
      }
      const copies = cache.copies();
      for (let block = 0; block < 4; block += 1) {
        const found = cache.find(block);
        expect(found >= 0).toBe(copies.has(block));
        if (found >= 0) expect(cache.blockOf(found)).toBe(block);
      }
      expect(cache.free + held.length).toBe(12);
    }
    expect(evicted.length).toBeGreaterThan(100);
  });
});

test("Fifo equals an array under random changes, past its compaction", () => {
  const random = randomStream(3, "fifo");
  const fifo = new Fifo<number>();
  const plain: number[] = [];
  for (let i = 0; i < 5_000; i += 1) {
    const draw = random.next();
    if (draw < 0.5) {
      fifo.push(i);
      plain.push(i);
    } else if (draw < 0.9) expect(fifo.shift()).toBe(plain.shift());
    else if (draw < 0.95) {
      fifo.pushFront(i);
      plain.unshift(i);
    } else {
      const item = plain[random.int(Math.max(1, plain.length))] ?? -1;
      expect(fifo.remove(item)).toBe(plain.includes(item));
      if (plain.includes(item)) plain.splice(plain.indexOf(item), 1);
    }
    expect(fifo.length).toBe(plain.length);
    expect(fifo.first).toBe(plain[0]);
  }
});
