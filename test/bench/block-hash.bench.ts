/** Block hashes of a 14,016-token prompt: dynbench's, and the plain way with one native call per hash. */
import { blockHashes, hashBlocks } from "../../core/routing/kv/block-hash.ts";
import { medianUs } from "./median.ts";

export const name = "block-hash";

const TOKENS = 219 * 64;

export async function run() {
  const tokens = Uint32Array.from({ length: TOKENS }, (_, i) => 1000 + ((i * 7919) % 30_000));
  const out = blockHashes(TOKENS / 16);
  return [
    {
      what: "219 blocks of 64, Dynamo-exact, chained, p50",
      value: medianUs(() => hashBlocks(tokens, 64, out)),
      unit: "µs",
      must: 25,
      goal: 15,
    },
    {
      what: "876 blocks of 16, p50",
      value: medianUs(() => hashBlocks(tokens, 16, out)),
      unit: "µs",
    },
    {
      what: "219 blocks of 64 by native calls with BigInt, p50",
      value: medianUs(() => hashNatively(tokens, 64)),
      unit: "µs",
      note: "the plain way, for comparison",
    },
  ];
}

function hashNatively(tokens: Uint32Array, blockSize: number): bigint {
  const pair = new BigUint64Array(2);
  let previous = Bun.hash.xxHash3(tokens.subarray(0, blockSize), 1337n);
  for (let at = blockSize; at < tokens.length; at += blockSize) {
    pair[0] = previous;
    pair[1] = Bun.hash.xxHash3(tokens.subarray(at, at + blockSize), 1337n);
    previous = Bun.hash.xxHash3(pair, 1337n);
  }
  return previous;
}
