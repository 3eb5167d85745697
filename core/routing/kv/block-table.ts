/**
 * Gives each distinct 64-bit hash a dense number, so that everything that uses it (index, load
 * accounts, policies) works on small integers and typed arrays. Open addressing with linear probing;
 * ids are assigned in order of first sight and never freed, except all at once.
 */

const FIRST_CAPACITY = 1024;

/** At 16 bytes a block a gigabyte of table, or days of distinct prompts at the rate of one gateway. */
const MAX_BLOCKS = 1 << 26;

/** Hash halves may be passed signed or unsigned. */
export class BlockTable {
  /** Id + 1 by slot, 0 where free; always at least twice as many slots as ids. */
  #slots = new Int32Array(2 * FIRST_CAPACITY);
  #lows = new Int32Array(FIRST_CAPACITY);
  #highs = new Int32Array(FIRST_CAPACITY);
  #size = 0;

  /** Distinct hashes seen: ids are 0 to `size` − 1. */
  get size(): number {
    return this.#size;
  }

  /** Id of the hash; a new one if it was never seen. */
  intern(high: number, low: number): number {
    const slot = this.#slotOf(high, low);
    const found = this.#slots[slot]!;
    if (found !== 0) return found - 1;
    const id = this.#size;
    this.#lows[id] = low;
    this.#highs[id] = high;
    this.#slots[slot] = id + 1;
    this.#size += 1;
    if (this.#size === this.#lows.length) this.#grow();
    return id;
  }

  /** Id of the hash, −1 if it was never seen. */
  find(high: number, low: number): number {
    return this.#slots[this.#slotOf(high, low)]! - 1;
  }

  /** Lower half of the hash of a known id, unsigned. */
  low(id: number): number {
    return this.#lows[id]! >>> 0;
  }

  /** Upper half of the hash of a known id, unsigned. */
  high(id: number): number {
    return this.#highs[id]! >>> 0;
  }

  /** Forgets everything; ids start at 0 again. */
  clear(): void {
    this.#slots.fill(0);
    this.#size = 0;
  }

  #slotOf(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = low & mask;
    for (;;) {
      const id = slots[slot]! - 1;
      if (id < 0) return slot;
      if (this.#lows[id] === (low | 0) && this.#highs[id] === (high | 0)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    if (this.#size >= MAX_BLOCKS) {
      throw new Error(`Cannot number another block: ${MAX_BLOCKS} distinct blocks were seen`);
    }
    const lows = new Int32Array(2 * this.#size);
    const highs = new Int32Array(2 * this.#size);
    lows.set(this.#lows);
    highs.set(this.#highs);
    this.#lows = lows;
    this.#highs = highs;
    const slots = new Int32Array(4 * this.#size);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#size; id += 1) {
      let slot = lows[id]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}
