/**
 * The contents of a worker's requests: the token ids of prompt and answer, and the dense
 * ids of the blocks they fill. The answer is drawn when the request arrives: no client sees it
 * early, and all blocks can be hashed at once.
 */
import { randomStream } from "dynbench";
import { blockHashes, BlockTable, hashBlocks, wordTokenizer } from "dynbench/engine";

/** Prompt and answer of one request. */
export interface TokenSequence {
  /** The prompt's `isl` tokens, then the answer's. */
  readonly tokens: Uint32Array;
  readonly isl: number;
  /** Block ids of all full blocks of `tokens`. */
  readonly blocks: Int32Array;
}

const BUILT_IN = wordTokenizer.WORD_TOKENIZER.wordIds;

export class TokenSequences {
  readonly #blockSize: number;
  readonly #seed: number;
  readonly #table = new BlockTable();
  readonly #hashes = blockHashes(1_024);
  #made = 0;

  constructor({ blockSize, seed }: { blockSize: number; seed: number }) {
    this.#blockSize = blockSize;
    this.#seed = seed;
  }

  /** A sequence with a fresh answer of `osl` tokens: as with a sampling model, no two are the same. Its tokens are drawn from `wordIds`. */
  make(prompt: Uint32Array, osl: number, wordIds = BUILT_IN): TokenSequence {
    const tokens = new Uint32Array(prompt.length + osl);
    tokens.set(prompt);
    const random = randomStream(this.#seed, "answer", this.#made);
    this.#made += 1;
    for (let i = prompt.length; i < tokens.length; i += 1) {
      tokens[i] = wordIds[random.int(wordIds.length)]!;
    }
    const count = hashBlocks(tokens, this.#blockSize, this.#hashes);
    const blocks = new Int32Array(count);
    const { high, low } = this.#hashes;
    for (let i = 0; i < count; i += 1) blocks[i] = this.#table.intern(high[i]!, low[i]!);
    return { tokens, isl: prompt.length, blocks };
  }

  /** The block's 64-bit sequence hash. */
  hashOf(block: number): bigint {
    return (BigInt(this.#table.high(block)) << 32n) | BigInt(this.#table.low(block));
  }

  /** Forgets all blocks; their ids are assigned anew. Only when no request holds one. */
  clear(): void {
    this.#table.clear();
  }
}
