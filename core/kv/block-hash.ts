/**
 * Hashes of a prompt's full blocks, equal to Dynamo's.
 *
 * Content hash of a block: XXH3-64, seed 1337, over its token ids as little-endian u32. Sequence
 * hash: the first block's content hash; then XXH3-64, seed 1337, over the previous sequence hash and
 * the content hash, both little-endian u64 (Dynamo 1.6, `lib/kv-router/src/protocols.rs`). Tokens
 * after the last full block are ignored. Bun's native XXH3 does the blocks; the 16-byte chain step is
 * done here in 32-bit halves, because a BigInt argument and result would double the time.
 */
import { ChainedHash } from "./chained-hash.ts";

/** Seed of both hashes. */
const SEED = 1337n;

/** Blocks hashed from one staging copy: few enough for the cache, many enough to make the copy cheap. */
const STAGED_BLOCKS = 64;

/** Sequence hashes as unsigned halves; `hashBlocks` replaces arrays that are too small. */
export interface BlockHashes {
  low: Uint32Array;
  high: Uint32Array;
}

/** Hash of the block before the first one, for tokens that continue a known sequence. */
export interface ParentHash {
  readonly low: number;
  readonly high: number;
}

/** Fills `out` with the sequence hashes of all full blocks and returns how many there are. */
export function hashBlocks(
  tokens: Uint32Array,
  blockSize: number,
  out: BlockHashes,
  parent?: ParentHash,
): number {
  const blocks = Math.floor(tokens.length / blockSize);
  ensureRoom(out, blocks);
  const { low, high } = out;
  if (parent === undefined) chain.clear();
  else chain.start(parent.low, parent.high);
  stageFor(blockSize);
  for (let first = 0; first < blocks; first += STAGED_BLOCKS) {
    const count = Math.min(STAGED_BLOCKS, blocks - first);
    stage.set(tokens.subarray(first * blockSize, (first + count) * blockSize));
    for (let i = 0; i < count; i += 1) {
      wide[0] = Bun.hash.xxHash3(views[i]!, SEED);
      chain.add(halves[0]!, halves[1]!);
      low[first + i] = chain.low;
      high[first + i] = chain.high;
    }
  }
  return blocks;
}

/** Room for the hashes of `blocks` blocks. */
export function blockHashes(blocks: number): BlockHashes {
  return { low: new Uint32Array(blocks), high: new Uint32Array(blocks) };
}

/** Replaces the arrays of `out` when they hold fewer than `blocks`, by at least twice their size. */
export function ensureRoom(out: BlockHashes, blocks: number): void {
  if (out.low.length >= blocks && out.high.length >= blocks) return;
  const size = Math.max(blocks, out.low.length * 2);
  out.low = new Uint32Array(size);
  out.high = new Uint32Array(size);
}

const chain = new ChainedHash();
const wide = new BigUint64Array(1);
const halves = new Uint32Array(wide.buffer);

/** A native call wants a view, and making one costs as much as hashing: they are kept per block size. */
let stagedBlockSize = 0;
let stage = new Uint32Array(0);
let views: Uint8Array[] = [];

function stageFor(blockSize: number): void {
  if (stagedBlockSize === blockSize) return;
  stagedBlockSize = blockSize;
  stage = new Uint32Array(STAGED_BLOCKS * blockSize);
  const bytes = blockSize * Uint32Array.BYTES_PER_ELEMENT;
  views = Array.from(
    { length: STAGED_BLOCKS },
    (_, i) => new Uint8Array(stage.buffer, i * bytes, bytes),
  );
}
