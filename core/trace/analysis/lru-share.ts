/**
 * What one cache of a given size serves under LRU: the point of `lru-curve.ts` at one capacity, by a
 * plain list in the order of use, which costs a fraction of the whole curve. Rows touch their blocks
 * from the last to the first, as there.
 */
import { everyBlock, type BlockRows, type HitRules } from "../trace-columns.ts";

/** Share of prompt tokens. */
export function lruShare(
  trace: BlockRows,
  capacity: number,
  rules: HitRules = everyBlock(trace),
): number {
  const cache = new LruList(trace.distinctBlocks, capacity);
  let hitTokens = 0;
  let tokens = 0;
  for (let row = 0; row < trace.rows; row += 1) {
    const blocks = trace.blocks(row);
    if (row >= rules.firstCounted) {
      const isl = trace.isl(row);
      const usable = rules.usable(row);
      let hits = 0;
      while (hits < usable && cache.has(blocks[hits]!)) hits += 1;
      hitTokens += Math.min(hits * trace.blockSize, isl);
      tokens += isl;
    }
    for (let i = blocks.length - 1; i >= 0; i -= 1) cache.touch(blocks[i]!);
  }
  return hitTokens / tokens;
}

/** A ring of blocks from the latest used to the one used longest ago; its head is one past the last block. */
class LruList {
  readonly #capacity: number;
  readonly #head: number;
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  readonly #isHeld: Uint8Array;
  #held = 0;

  constructor(blocks: number, capacity: number) {
    this.#capacity = capacity;
    this.#head = blocks;
    this.#older = new Int32Array(blocks + 1);
    this.#newer = new Int32Array(blocks + 1);
    this.#older[blocks] = blocks;
    this.#newer[blocks] = blocks;
    this.#isHeld = new Uint8Array(blocks);
  }

  has(block: number): boolean {
    return this.#isHeld[block] === 1;
  }

  touch(block: number): void {
    if (this.#capacity < 1) return;
    if (this.#isHeld[block] === 1) this.#unlink(block);
    else if (this.#held < this.#capacity) this.#held += 1;
    else {
      const oldest = this.#newer[this.#head]!;
      this.#unlink(oldest);
      this.#isHeld[oldest] = 0;
    }
    this.#isHeld[block] = 1;
    const latest = this.#older[this.#head]!;
    this.#older[this.#head] = block;
    this.#newer[latest] = block;
    this.#newer[block] = this.#head;
    this.#older[block] = latest;
  }

  #unlink(block: number): void {
    const older = this.#older[block]!;
    const newer = this.#newer[block]!;
    this.#older[newer] = older;
    this.#newer[older] = newer;
  }
}
