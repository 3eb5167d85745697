import { describe, expect, test } from "bun:test";
import { decode, Encoder } from "@msgpack/msgpack";
import { MsgpackReader } from "../../../../core/routing/kv/msgpack-reader.ts";
import { MsgpackWriter } from "../../../../core/routing/kv/msgpack-writer.ts";

const library = new Encoder({ useBigInt64: true });
const readerOf = (...bytes: number[]): MsgpackReader =>
  new MsgpackReader(Uint8Array.from(bytes), "test");

describe("reader", () => {
  test("skips any item exactly", () => {
    const items = [null, true, 1, -1, 200, -200, 70_000, 2n ** 63n, -(2n ** 63n), 1.5];
    const sizes = [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536];
    const all: unknown[] = [...items, new Date(5)];
    for (const size of sizes) {
      all.push("x".repeat(size), new Uint8Array(size), Array(size).fill(1));
      all.push(Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, [i]])));
    }
    for (const item of all) {
      const bytes = library.encode([item, 7]);
      const reader = new MsgpackReader(bytes.slice(), "test");
      reader.array();
      reader.skip();
      expect(reader.number()).toBe(7);
      expect(reader.ended).toBe(true);
    }
  });

  test("deep nesting uses no stack", () => {
    const nested = new Uint8Array(1_000_001).fill(0x91);
    nested[1_000_000] = 1;
    const reader = new MsgpackReader(nested, "test");
    reader.skip();
    expect(reader.ended).toBe(true);
  });

  test("a float that counts nothing is no number", () => {
    expect(readerOf(0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0).number()).toBe(1.5);
    expect(() => readerOf(0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0).number()).toThrow(
      "expected a number",
    );
    expect(() => readerOf(0xca, 0x7f, 0x80, 0, 0).number()).toThrow("expected a number");
  });

  test("an array of integers that ends early is refused by itself", () => {
    expect(() => readerOf(0x91, 0xcd, 1).uint32s()).toThrow("Cannot read test: input ends early");
    expect(() => readerOf(0x92, 0xcd, 1, 1, 0xcd).uint32s()).toThrow("input ends early");
  });

  test("the unused code is refused", () => {
    expect(() => readerOf(0xc1).skip()).toThrow("expected an item at byte 1 of 1");
  });
});

describe("writer", () => {
  test("writes what the library reads, in the library's encoding", () => {
    const numbers = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1];
    const writer = new MsgpackWriter();
    for (const size of [0, 15, 16, 65_535, 65_536]) {
      writer.array(2);
      writer.map(1);
      writer.text("key");
      writer.text("a name of more than thirty-one letters");
      writer.uint32s(Array.from({ length: size }, (_, i) => numbers[i % numbers.length]!));
      const bytes = writer.finish();
      const value = decode(bytes) as unknown[];
      expect(value[0]).toEqual({ key: "a name of more than thirty-one letters" });
      expect((value[1] as number[]).length).toBe(size);
      expect(Buffer.from(library.encode(value)).equals(bytes)).toBe(true);
    }
  });

  test("numbers and nil", () => {
    const writer = new MsgpackWriter();
    writer.array(5);
    writer.nil();
    writer.float64(0.1);
    writer.uint32(65_536);
    writer.uint64(2n ** 32n - 1n);
    writer.uint64(2n ** 64n - 1n);
    expect(decode(writer.finish(), { useBigInt64: true })).toEqual([
      null,
      0.1,
      65_536,
      2 ** 32 - 1,
      2n ** 64n - 1n,
    ]);
  });
});
