/**
 * How many blocks of cache buy which hit share under LRU, for every capacity at once: the stack
 * distances of Mattson et al., "Evaluation techniques for storage hierarchies" (IBM Systems Journal
 * 9(2), 1970), over one pooled cache in the order of the trace.
 *
 * A row's blocks are touched from the last to the first, so a block is never more recent than the
 * one before it: the cache always holds whole prefixes, as engines free the tail of a prompt first.
 */
import { everyBlock, type BlockRows, type HitRules } from "../trace-columns.ts";

/** Share of prompt tokens that a cache of `capacity` blocks serves. */
export type HitCurve = (capacity: number) => number;

export function lruCurve(trace: BlockRows, rules: HitRules = everyBlock(trace)): HitCurve {
  const distances = new StackDistances(trace.distinctBlocks);
  /** By distance: tokens that a cache with more blocks than that would serve. */
  const tokensAt = new Float64Array(trace.distinctBlocks + 1);
  let tokens = 0;
  for (let row = 0; row < trace.rows; row += 1) {
    const blocks = trace.blocks(row);
    const isl = trace.isl(row);
    const usable = row < rules.firstCounted ? 0 : rules.usable(row);
    if (row >= rules.firstCounted) tokens += isl;
    let farthest = 0;
    for (let i = 0; i < usable; i += 1) {
      const distance = distances.of(blocks[i]!);
      if (distance === NEVER_SEEN) break; // what follows a miss is computed
      farthest = Math.max(farthest, distance);
      tokensAt[farthest]! += Math.min(trace.blockSize, isl - i * trace.blockSize);
    }
    for (let i = blocks.length - 1; i >= 0; i -= 1) distances.touch(blocks[i]!);
  }
  for (let i = 1; i < tokensAt.length; i += 1) tokensAt[i]! += tokensAt[i - 1]!;
  return (capacity) =>
    capacity < 1 ? 0 : tokensAt[Math.min(capacity, tokensAt.length) - 1]! / tokens;
}

const NEVER_SEEN = -1;

/**
 * How many blocks were touched since a block's own last touch. Each touch takes the next slot; a
 * Fenwick tree (Fenwick, "A new data structure for cumulative frequency tables", 1994) counts the
 * taken slots behind a slot. When the slots run out they are numbered anew.
 */
class StackDistances {
  readonly #slotOf: Int32Array;
  readonly #blockIn: Int32Array;
  readonly #tree: Int32Array;
  #next = 1;
  #held = 0;

  constructor(blocks: number) {
    this.#slotOf = new Int32Array(blocks);
    this.#blockIn = new Int32Array(2 * blocks + SPARE_SLOTS).fill(FREE);
    this.#tree = new Int32Array(this.#blockIn.length);
  }

  of(block: number): number {
    const slot = this.#slotOf[block]!;
    if (slot === 0) return NEVER_SEEN;
    let upTo = 0;
    for (let at = slot; at > 0; at -= at & -at) upTo += this.#tree[at]!;
    return this.#held - upTo;
  }

  touch(block: number): void {
    if (this.#next === this.#blockIn.length) this.#renumber();
    const old = this.#slotOf[block]!;
    if (old === 0) this.#held += 1;
    else {
      this.#blockIn[old] = FREE;
      this.#add(old, -1);
    }
    this.#slotOf[block] = this.#next;
    this.#blockIn[this.#next] = block;
    this.#add(this.#next, 1);
    this.#next += 1;
  }

  #add(slot: number, delta: number): void {
    for (let at = slot; at < this.#tree.length; at += at & -at) this.#tree[at]! += delta;
  }

  #renumber(): void {
    let next = 1;
    for (let slot = 1; slot < this.#blockIn.length; slot += 1) {
      const block = this.#blockIn[slot]!;
      if (block === FREE) continue;
      this.#blockIn[slot] = FREE;
      this.#blockIn[next] = block;
      this.#slotOf[block] = next;
      next += 1;
    }
    this.#next = next;
    this.#tree.fill(0);
    for (let slot = 1; slot < next; slot += 1) this.#tree[slot] = 1;
    for (let slot = 1; slot < this.#tree.length; slot += 1) {
      const above = slot + (slot & -slot);
      if (above < this.#tree.length) this.#tree[above]! += this.#tree[slot]!;
    }
  }
}

const FREE = -1;
/** So that small traces do not number anew at every touch. */
const SPARE_SLOTS = 1024;
