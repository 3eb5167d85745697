/**
 * The most that a pooled cache of a given size could serve if it knew the future: Belady's MIN, "A
 * study of replacement algorithms for a virtual-storage computer" (IBM Systems Journal 5(2), 1966).
 * After each row it keeps the blocks that are needed again soonest. Of blocks that are needed in the
 * same row the deepest goes first, so what stays are whole prefixes. No routing over several caches
 * of that size together can do better.
 */
import type { TraceColumns } from "./trace-columns.ts";

/** Shares of prompt tokens, one for each capacity in blocks. */
export function minCurve(trace: TraceColumns, capacities: readonly number[]): number[] {
  const nextRow = nextUses(trace);
  return capacities.map((capacity) => minShare(trace, nextRow, capacity));
}

const NEVER = 0x7fff_ffff;

/** For each block of each row, in the order of the file: the next row that has it, or `NEVER`. */
function nextUses(trace: TraceColumns): Int32Array {
  const next = new Int32Array(trace.totalBlocks);
  const seenIn = new Int32Array(trace.distinctBlocks).fill(NEVER);
  let at = trace.totalBlocks;
  for (let row = trace.rows - 1; row >= 0; row -= 1) {
    const blocks = trace.blocks(row);
    at -= blocks.length;
    for (let i = 0; i < blocks.length; i += 1) next[at + i] = seenIn[blocks[i]!]!;
    for (let i = 0; i < blocks.length; i += 1) seenIn[blocks[i]!] = row;
  }
  return next;
}

function minShare(trace: TraceColumns, nextRow: Int32Array, capacity: number): number {
  const cache = new FarthestFirst(trace.distinctBlocks);
  let at = 0;
  let hitTokens = 0;
  let tokens = 0;
  for (let row = 0; row < trace.rows; row += 1) {
    const blocks = trace.blocks(row);
    let hits = 0;
    while (hits < blocks.length && cache.has(blocks[hits]!)) hits += 1;
    hitTokens += Math.min(hits * trace.blockSize, trace.isl(row));
    tokens += trace.isl(row);
    for (let i = 0; i < blocks.length; i += 1) {
      const next = nextRow[at + i]!;
      if (next === NEVER) cache.drop(blocks[i]!);
      else cache.keep(blocks[i]!, { next, depth: i });
    }
    at += blocks.length;
    while (cache.size > capacity) cache.evict();
  }
  return hitTokens / tokens;
}

/**
 * The blocks that are held, the one to evict first on top of a binary heap. A block whose next use
 * changes gets a second entry; the older one is passed over when it comes up.
 */
class FarthestFirst {
  /** Next use of held blocks, 0 where the block is not held. */
  readonly #nextOf: Int32Array;
  #nexts = new Int32Array(1024);
  #depths = new Int32Array(1024);
  #blocks = new Int32Array(1024);
  #entries = 0;
  size = 0;

  constructor(blocks: number) {
    this.#nextOf = new Int32Array(blocks);
  }

  has(block: number): boolean {
    return this.#nextOf[block] !== 0;
  }

  keep(block: number, { next, depth }: { next: number; depth: number }): void {
    if (this.#nextOf[block] === next) return;
    if (this.#nextOf[block] === 0) this.size += 1;
    this.#nextOf[block] = next;
    this.#push(block, next, depth);
  }

  drop(block: number): void {
    if (this.#nextOf[block] === 0) return;
    this.#nextOf[block] = 0;
    this.size -= 1;
  }

  evict(): void {
    for (;;) {
      const block = this.#blocks[0]!;
      const isCurrent = this.#nextOf[block] === this.#nexts[0];
      this.#pop();
      if (!isCurrent) continue;
      this.drop(block);
      return;
    }
  }

  #push(block: number, next: number, depth: number): void {
    if (this.#entries === this.#blocks.length) this.#grow();
    let at = this.#entries;
    this.#entries += 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#goesBefore(next, depth, above)) break;
      this.#move(above, at);
      at = above;
    }
    this.#put(at, block, next, depth);
  }

  #pop(): void {
    this.#entries -= 1;
    const last = this.#entries;
    const block = this.#blocks[last]!;
    const next = this.#nexts[last]!;
    const depth = this.#depths[last]!;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= last) break;
      const right = below + 1;
      if (right < last && this.#goesBefore(this.#nexts[right]!, this.#depths[right]!, below)) {
        below = right;
      }
      if (this.#goesBefore(next, depth, below)) break;
      this.#move(below, at);
      at = below;
    }
    this.#put(at, block, next, depth);
  }

  #goesBefore(next: number, depth: number, entry: number): boolean {
    const other = this.#nexts[entry]!;
    return next === other ? depth > this.#depths[entry]! : next > other;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#blocks[from]!, this.#nexts[from]!, this.#depths[from]!);
  }

  #put(at: number, block: number, next: number, depth: number): void {
    this.#blocks[at] = block;
    this.#nexts[at] = next;
    this.#depths[at] = depth;
  }

  #grow(): void {
    const twice = (column: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(2 * column.length);
      grown.set(column);
      return grown;
    };
    this.#nexts = twice(this.#nexts);
    this.#depths = twice(this.#depths);
    this.#blocks = twice(this.#blocks);
  }
}
