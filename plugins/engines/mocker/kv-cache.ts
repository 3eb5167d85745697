/**
 * The KV blocks of one worker: which are held, which are cached, and which is evicted next.
 *
 * After vLLM v1's block pool (0.24 to 0.32): reference counts, one queue of free blocks in which cached
 * ones wait to be found again or evicted, oldest first, and several physical copies of the same
 * content, because a block is cached without looking for a twin. Dynamo's 1.6 mocker does the same.
 */
import { BlockMap } from "dynbench/engine";

export class KvCache {
  readonly capacity: number;
  readonly #references: Int32Array;
  /** Block id that a physical block is cached as, or −1. */
  readonly #blockOf: Int32Array;
  /** First (oldest) copy of each cached block id, plus one: the map has no value 0. The copies form a list from there. */
  readonly #firstCopy = new BlockMap();
  readonly #nextCopy: Int32Array;
  readonly #previousCopy: Int32Array;
  /** Valid at a first copy only. */
  readonly #lastCopy: Int32Array;
  /** The free queue as a ring through the sentinel `capacity`. */
  readonly #nextFree: Int32Array;
  readonly #previousFree: Int32Array;
  readonly #evicted: (block: number) => void;
  #free: number;

  /** `evicted` gets the block id of each cached copy that is evicted. */
  constructor(capacity: number, evicted: (block: number) => void) {
    this.capacity = capacity;
    this.#references = new Int32Array(capacity);
    this.#blockOf = new Int32Array(capacity).fill(-1);
    this.#nextCopy = new Int32Array(capacity).fill(-1);
    this.#previousCopy = new Int32Array(capacity).fill(-1);
    this.#lastCopy = new Int32Array(capacity).fill(-1);
    this.#nextFree = new Int32Array(capacity + 1).map((_, i) => (i === capacity ? 0 : i + 1));
    this.#previousFree = new Int32Array(capacity + 1).map((_, i) => (i === 0 ? capacity : i - 1));
    this.#evicted = evicted;
    this.#free = capacity;
  }

  /** Blocks that no request holds; cached ones count too, because they can be evicted. */
  get free(): number {
    return this.#free;
  }

  /** A physical copy of a cached block, the oldest; −1 when it is not cached. */
  find(block: number): number {
    return this.#firstCopy.get(block) - 1;
  }

  isHeld(physical: number): boolean {
    return this.#references[physical]! > 0;
  }

  /** One more holder; a free block leaves the queue. */
  hold(physical: number): void {
    if (this.#references[physical] === 0) this.#unqueue(physical);
    this.#references[physical]! += 1;
  }

  /** Takes the block that is next in the queue, evicting what it cached. The caller made sure of `free`. */
  take(): number {
    const physical = this.#nextFree[this.capacity]!;
    if (physical === this.capacity)
      throw new Error("No free KV block: the caller must check first");
    this.#unqueue(physical);
    this.#references[physical] = 1;
    const block = this.#blockOf[physical]!;
    if (block >= 0) {
      this.#forget(physical, block);
      this.#evicted(block);
    }
    return physical;
  }

  /** Makes a held block findable as `block`, as one more copy where it is cached already. */
  label(physical: number, block: number): void {
    this.#blockOf[physical] = block;
    const first = this.find(block);
    if (first < 0) {
      this.#firstCopy.set(block, physical + 1);
      this.#lastCopy[physical] = physical;
      return;
    }
    const last = this.#lastCopy[first]!;
    this.#nextCopy[last] = physical;
    this.#previousCopy[physical] = last;
    this.#lastCopy[first] = physical;
  }

  /** Id a physical block is cached as; −1 when it is not. */
  blockOf(physical: number): number {
    return this.#blockOf[physical]!;
  }

  /**
   * Releases the first `count` blocks of a sequence, last one first, so that tails are evicted before
   * heads. Blocks that cannot be found again go to the front of the queue.
   */
  release(physicals: Int32Array, count: number): void {
    for (let i = count - 1; i >= 0; i -= 1) {
      const physical = physicals[i]!;
      const left = (this.#references[physical]! -= 1);
      if (left > 0) continue;
      if (left < 0) throw new Error(`KV block ${physical} released more often than held`);
      const sentinel = this.capacity;
      if (this.#blockOf[physical]! >= 0) this.#queue(physical, this.#previousFree[sentinel]!);
      else this.#queue(physical, sentinel);
    }
  }

  /** Forgets every cached block. Nothing may be held. */
  reset(): void {
    if (this.#free !== this.capacity) throw new Error("KV cache reset while blocks are held");
    this.#blockOf.fill(-1);
    this.#nextCopy.fill(-1);
    this.#previousCopy.fill(-1);
    this.#firstCopy.clear();
  }

  /** Physical copies by cached block id, counted from the blocks themselves; for tests and invariants. */
  copies(): Map<number, number> {
    const copies = new Map<number, number>();
    for (const block of this.#blockOf) {
      if (block >= 0) copies.set(block, (copies.get(block) ?? 0) + 1);
    }
    return copies;
  }

  #forget(physical: number, block: number): void {
    const next = this.#nextCopy[physical]!;
    const previous = this.#previousCopy[physical]!;
    if (previous >= 0) {
      this.#nextCopy[previous] = next;
      if (next < 0) this.#lastCopy[this.find(block)] = previous;
    } else if (next >= 0) {
      this.#firstCopy.set(block, next + 1);
      this.#lastCopy[next] = this.#lastCopy[physical]!;
    } else {
      this.#firstCopy.delete(block);
    }
    if (next >= 0) this.#previousCopy[next] = previous;
    this.#nextCopy[physical] = -1;
    this.#previousCopy[physical] = -1;
    this.#blockOf[physical] = -1;
  }

  #queue(physical: number, after: number): void {
    const before = this.#nextFree[after]!;
    this.#nextFree[after] = physical;
    this.#previousFree[physical] = after;
    this.#nextFree[physical] = before;
    this.#previousFree[before] = physical;
    this.#free += 1;
  }

  #unqueue(physical: number): void {
    const previous = this.#previousFree[physical]!;
    const next = this.#nextFree[physical]!;
    this.#nextFree[previous] = next;
    this.#previousFree[next] = previous;
    this.#free -= 1;
  }
}
