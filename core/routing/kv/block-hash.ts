/**
 * Hashes of a prompt's full blocks, equal to Dynamo's.
 *
 * Content hash of a block: XXH3-64, seed 1337, over its token ids as little-endian u32. Sequence
 * hash: the first block's content hash; then XXH3-64, seed 1337, over the previous sequence hash and
 * the content hash, both little-endian u64 (Dynamo 1.6, `lib/kv-router/src/protocols.rs`). Tokens
 * after the last full block are ignored. The work is done in WebAssembly (`xxh3-code.ts`): a native
 * call per block costs twice as much, mostly for its BigInt.
 */
import { hashesLength, hashModule, INPUT_BYTES, PREVIOUS_AT, SEED } from "./xxh3-code.ts";

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
  const kernel = kernelOf(blockSize);
  const { hashes, perCall } = kernel;
  let chained = parent === undefined ? 0 : 1;
  hashes[0] = parent?.low ?? 0;
  hashes[1] = parent?.high ?? 0;
  for (let first = 0; first < blocks; first += perCall) {
    const count = Math.min(perCall, blocks - first);
    kernel.put(tokens.subarray(first * blockSize, (first + count) * blockSize));
    kernel.run(0, count, chained, PREVIOUS_AT + 8);
    for (let i = 0; i < count; i += 1) {
      out.low[first + i] = hashes[2 * i + 2]!;
      out.high[first + i] = hashes[2 * i + 3]!;
    }
    hashes[0] = hashes[2 * count]!;
    hashes[1] = hashes[2 * count + 1]!;
    chained = 1;
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

/** The compiled code for one block size, and its memory. */
interface Kernel {
  /** Blocks that fit into its memory at once. */
  readonly perCall: number;
  /** Low and high half of the previous hash, then of each block's. */
  readonly hashes: Uint32Array;
  /** Puts whole blocks where `run` finds them. */
  put(tokens: Uint32Array): void;
  run(input: number, count: number, chained: number, output: number): void;
}

/** A process meets one or two block sizes. */
const MAX_KERNELS = 16;
const kernels = new Map<number, Kernel>();

function kernelOf(blockSize: number): Kernel {
  let kernel = kernels.get(blockSize);
  if (kernel === undefined) {
    kernel = newKernel(blockSize);
    if (kernels.size === MAX_KERNELS) kernels.clear();
    kernels.set(blockSize, kernel);
  }
  return kernel;
}

function newKernel(blockSize: number): Kernel {
  const blockBytes = blockSize * Uint32Array.BYTES_PER_ELEMENT;
  const module = new WebAssembly.Module(hashModule(blockBytes));
  const { memory, run } = new WebAssembly.Instance(module).exports as {
    memory: WebAssembly.Memory;
    run: Kernel["run"];
  };
  const hashes = new Uint32Array(memory.buffer, PREVIOUS_AT);
  if (hashesLength(blockBytes)) {
    const input = new Uint32Array(memory.buffer, 0, INPUT_BYTES / 4);
    const perCall = Math.floor(INPUT_BYTES / blockBytes);
    return { perCall, hashes, run, put: (tokens) => input.set(tokens) };
  }
  const contents = new BigUint64Array(memory.buffer, 0, INPUT_BYTES / 8);
  const put = (tokens: Uint32Array): void => {
    for (let at = 0, i = 0; at < tokens.length; at += blockSize, i += 1) {
      contents[i] = Bun.hash.xxHash3(tokens.subarray(at, at + blockSize), SEED);
    }
  };
  return { perCall: contents.length, hashes, run, put };
}
