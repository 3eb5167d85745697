import { describe, expect, test } from "bun:test";
import { blockHashes, hashBlocks } from "../../../../core/routing/kv/block-hash.ts";
import { randomStream } from "../../../../core/base/random.ts";

/** Token ids `from`, `from + 1`, … */
const sequence = (from: number, count: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, i) => from + i);

function hashesOf(tokens: Uint32Array, blockSize: number, parent?: bigint): bigint[] {
  const out = blockHashes(0);
  const split =
    parent === undefined
      ? undefined
      : { low: Number(parent & 0xffffffffn), high: Number(parent >> 32n) };
  const blocks = hashBlocks(tokens, blockSize, out, split);
  return Array.from(
    { length: blocks },
    (_, i) => (BigInt(out.high[i]!) << 32n) | BigInt(out.low[i]!),
  );
}

/** The definition, in BigInt: an independent reference for random tokens. */
function slowHashes(tokens: Uint32Array, blockSize: number): bigint[] {
  const hashes: bigint[] = [];
  for (let at = 0; at + blockSize <= tokens.length; at += blockSize) {
    const content = Bun.hash.xxHash3(tokens.slice(at, at + blockSize), 1337n);
    const previous = hashes.at(-1);
    hashes.push(
      previous === undefined
        ? content
        : Bun.hash.xxHash3(new BigUint64Array([previous, content]), 1337n),
    );
  }
  return hashes;
}

describe("Dynamo's block hashes", () => {
  // Constants of Dynamo 1.6, `lib/tokens/src/lib.rs`, and of two independent XXH3 implementations.
  test.each([
    [4, [14643705804678351452n, 4945711292740353085n, 12583592247330656132n]],
    [16, [16863443419780771464n, 12466389667045779788n, 960926348267535642n]],
    [64, [17732852320395450624n, 1050256074108617503n, 15102350600477259534n]],
  ])("tokens 1, 2, 3 … in three blocks of %p", (blockSize, expected) => {
    expect(hashesOf(sequence(1, 3 * blockSize), blockSize)).toEqual(expected);
  });

  test("an event of a running Dynamo 1.6.1: tokens 1000 … in blocks of 64", () => {
    expect(hashesOf(sequence(1000, 192), 64).slice(0, 2)).toEqual([
      7337154364384838499n,
      11788397496893737194n,
    ]);
  });

  test("tokens after the last full block change nothing", () => {
    expect(hashesOf(sequence(1, 15), 4)).toEqual(hashesOf(sequence(1, 12), 4));
    expect(hashesOf(sequence(1, 3), 4)).toEqual([]);
  });

  test("a sequence can be continued from its parent's hash", () => {
    const whole = hashesOf(sequence(1, 48), 16);
    expect(hashesOf(sequence(17, 32), 16, whole[0])).toEqual(whole.slice(1));
  });

  test("random tokens of every block size agree with the definition", () => {
    const random = randomStream(5, "block-hash");
    for (const blockSize of [
      1, 2, 3, 4, 5, 8, 16, 31, 32, 33, 48, 60, 61, 64, 65, 128, 256, 257, 512,
    ]) {
      const tokens = Uint32Array.from({ length: 70 * blockSize + 3 }, () => random.uint32());
      expect(hashesOf(tokens, blockSize)).toEqual(slowHashes(tokens, blockSize));
    }
  });

  test("a view into a larger buffer is hashed where it starts", () => {
    const tokens = sequence(1, 40).subarray(7, 39);
    expect(hashesOf(tokens, 16)).toEqual(hashesOf(tokens.slice(), 16));
  });
});
