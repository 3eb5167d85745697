/**
 * The most that a pooled cache of a given size could serve if it knew the future: Belady's MIN, "A
 * study of replacement algorithms for a virtual-storage computer" (IBM Systems Journal 5(2), 1966).
 * After each row it keeps the blocks that are needed again soonest. Of blocks that are needed in the
 * same row the deepest goes first, so what stays are whole prefixes. No routing over several caches
 * of that size together can do better.
 */
import { everyBlock, type BlockRows, type HitRules } from "../trace-columns.ts";

/** Shares of prompt tokens, one for each capacity in blocks. */
export function minCurve(
  trace: BlockRows,
  capacities: readonly number[],
  rules: HitRules = everyBlock(trace),
): number[] {
  const uses = { rules, nextRow: nextUses(trace, rules) };
  // For a single cache it would cost more than it saves.
  const most =
    capacities.length < 2 ? NaN : servedShare(trace, new Unbounded(trace.distinctBlocks), uses);
  /** From here on a cache holds everything that is needed again. */
  let enough = Infinity;
  return capacities.map((capacity) => {
    if (capacity >= enough) return most;
    const share = servedShare(trace, new FarthestFirst(trace.distinctBlocks, capacity), uses);
    if (share === most) enough = Math.min(enough, capacity);
    return share;
  });
}

interface Cache {
  has(block: number): boolean;
  /** A block that is held is needed in another row next, or never again. */
  moved(block: number, next: number, depth: number): void;
  /** A block that is not held was computed. */
  offered(block: number, next: number, depth: number): void;
}

const NEVER = 0x7fff_ffff;

interface Uses {
  readonly rules: HitRules;
  /** For each block of each row, in the order of the file: the next row that can use it, or `NEVER`. */
  readonly nextRow: Int32Array;
}

function nextUses(trace: BlockRows, { usable }: HitRules): Int32Array {
  const next = new Int32Array(trace.totalBlocks);
  const seenIn = new Int32Array(trace.distinctBlocks).fill(NEVER);
  let at = trace.totalBlocks;
  for (let row = trace.rows - 1; row >= 0; row -= 1) {
    const blocks = trace.blocks(row);
    at -= blocks.length;
    for (let i = 0; i < blocks.length; i += 1) next[at + i] = seenIn[blocks[i]!]!;
    const useful = Math.min(blocks.length, usable(row));
    for (let i = 0; i < useful; i += 1) seenIn[blocks[i]!] = row;
  }
  return next;
}

function servedShare(trace: BlockRows, cache: Cache, { rules, nextRow }: Uses): number {
  let first = 0;
  let hitTokens = 0;
  let tokens = 0;
  for (let row = 0; row < trace.rows; row += 1) {
    const blocks = trace.blocks(row);
    let hits = 0;
    while (hits < blocks.length && cache.has(blocks[hits]!)) hits += 1;
    if (row >= rules.firstCounted) {
      const usable = Math.min(hits, rules.usable(row));
      hitTokens += Math.min(usable * trace.blockSize, trace.isl(row));
      tokens += trace.isl(row);
    }
    // What is held moves first: until then its next use seems to be now, and others would go for it.
    for (let i = 0; i < hits; i += 1) cache.moved(blocks[i]!, nextRow[first + i]!, i);
    for (let i = hits; i < blocks.length; i += 1) {
      if (cache.has(blocks[i]!)) cache.moved(blocks[i]!, nextRow[first + i]!, i);
      else cache.offered(blocks[i]!, nextRow[first + i]!, i);
    }
    first += blocks.length;
  }
  return hitTokens / tokens;
}

class Unbounded implements Cache {
  readonly #held: Uint8Array;

  constructor(blocks: number) {
    this.#held = new Uint8Array(blocks);
  }

  has(block: number): boolean {
    return this.#held[block] === 1;
  }

  moved(): void {}

  offered(block: number): void {
    this.#held[block] = 1;
  }
}

/** A bounded cache, the block to evict first on top of a binary heap that knows each block's place. */
class FarthestFirst implements Cache {
  readonly #capacity: number;
  /** By block: where it is in the heap, from 1; 0 where it is not held. */
  readonly #placeOf: Int32Array;
  readonly #nextOf: Int32Array;
  readonly #depthOf: Int32Array;
  #heap = new Int32Array(1024);
  #held = 0;

  constructor(blocks: number, capacity: number) {
    this.#capacity = capacity;
    this.#placeOf = new Int32Array(blocks);
    this.#nextOf = new Int32Array(blocks);
    this.#depthOf = new Int32Array(blocks);
  }

  has(block: number): boolean {
    return this.#placeOf[block] !== 0;
  }

  moved(block: number, next: number, depth: number): void {
    this.#nextOf[block] = next;
    this.#depthOf[block] = depth;
    // Nothing is needed sooner than the row that is being served, so a moved block only rises.
    this.#rise(block, this.#placeOf[block]!);
    if (next === NEVER) this.#takeTop();
  }

  offered(block: number, next: number, depth: number): void {
    if (next === NEVER) return;
    this.#nextOf[block] = next;
    this.#depthOf[block] = depth;
    if (this.#held === this.#capacity) {
      if (this.#held === 0 || this.#goesBefore(block, this.#heap[1]!)) return;
      this.#takeTop();
    }
    this.#held += 1;
    if (this.#held === this.#heap.length) this.#grow();
    this.#rise(block, this.#held);
  }

  /** What is never needed again is on top, for nothing goes before it but its like. */
  #takeTop(): void {
    const top = this.#heap[1]!;
    const last = this.#heap[this.#held]!;
    this.#placeOf[top] = 0;
    this.#held -= 1;
    if (last !== top) this.#sink(last);
  }

  #rise(block: number, from: number): void {
    let at = from;
    while (at > 1) {
      const above = this.#heap[at >> 1]!;
      if (!this.#goesBefore(block, above)) break;
      this.#put(above, at);
      at >>= 1;
    }
    this.#put(block, at);
  }

  #sink(block: number): void {
    let at = 1;
    for (;;) {
      let below = 2 * at;
      if (below > this.#held) break;
      if (below < this.#held && this.#goesBefore(this.#heap[below + 1]!, this.#heap[below]!)) {
        below += 1;
      }
      if (this.#goesBefore(block, this.#heap[below]!)) break;
      this.#put(this.#heap[below]!, at);
      at = below;
    }
    this.#put(block, at);
  }

  #goesBefore(block: number, other: number): boolean {
    const next = this.#nextOf[block]!;
    const otherNext = this.#nextOf[other]!;
    return next === otherNext ? this.#depthOf[block]! > this.#depthOf[other]! : next > otherNext;
  }

  #put(block: number, at: number): void {
    this.#heap[at] = block;
    this.#placeOf[block] = at;
  }

  #grow(): void {
    const grown = new Int32Array(2 * this.#heap.length);
    grown.set(this.#heap);
    this.#heap = grown;
  }
}
