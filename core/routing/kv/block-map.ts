/**
 * A map from block id to a positive integer: open addressing over typed arrays, so that a prompt of
 * a thousand blocks makes no garbage. Zero means that the block has no value. Memory follows the
 * number of entries, not the size of the ids, which never stop growing in a long simulation.
 */

const FIRST_CAPACITY = 256;
/** Multiplier of multiplicative hashing (Knuth, TAOCP 6.4). */
const GOLDEN = 0x9e3779b1;
/** Bits of an id that are kept as they are: 16 consecutive ids, usual in a prompt, share a cache line. */
const LINE_BITS = 4;
const LINE_MASK = (1 << LINE_BITS) - 1;
const EMPTY = -1;

export class BlockMap {
  #keys = new Int32Array(FIRST_CAPACITY).fill(EMPTY);
  #values = new Int32Array(FIRST_CAPACITY);
  #shift = shiftOf(FIRST_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The value of the block, 0 when it has none. */
  get(block: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let at = homeOf(block, this.#shift);
    for (;;) {
      const key = keys[at]!;
      if (key === block) return this.#values[at]!;
      if (key === EMPTY) return 0;
      at = (at + 1) & mask;
    }
  }

  /** Sets the value, which must not be zero. */
  set(block: number, value: number): void {
    const at = this.#place(block); // called first, because it may replace the arrays
    this.#values[at] = value;
  }

  /** Adds to the value and returns the sum; a block whose sum is zero is taken out. */
  add(block: number, delta: number): number {
    const at = this.#place(block);
    const sum = this.#values[at]! + delta;
    this.#values[at] = sum;
    if (sum === 0) this.#takeOut(at);
    return sum;
  }

  delete(block: number): void {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let at = homeOf(block, this.#shift);
    while (keys[at] !== EMPTY) {
      if (keys[at] === block) return this.#takeOut(at);
      at = (at + 1) & mask;
    }
  }

  clear(): void {
    this.#keys = new Int32Array(FIRST_CAPACITY).fill(EMPTY);
    this.#values = new Int32Array(FIRST_CAPACITY);
    this.#shift = shiftOf(FIRST_CAPACITY);
    this.#size = 0;
  }

  /** Slot of the block; a new block is inserted with value 0. */
  #place(block: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let at = homeOf(block, this.#shift);
    for (;;) {
      const key = keys[at]!;
      if (key === block) return at;
      if (key === EMPTY) break;
      at = (at + 1) & mask;
    }
    if (2 * (this.#size + 1) > keys.length) {
      this.#grow();
      return this.#place(block);
    }
    keys[at] = block;
    this.#values[at] = 0;
    this.#size += 1;
    return at;
  }

  /** Closes the gap, so that no tombstones pile up (Knuth, algorithm 6.4R). */
  #takeOut(gap: number): void {
    const keys = this.#keys;
    const values = this.#values;
    const mask = keys.length - 1;
    this.#size -= 1;
    let hole = gap;
    let at = (gap + 1) & mask;
    for (; keys[at] !== EMPTY; at = (at + 1) & mask) {
      const home = homeOf(keys[at]!, this.#shift);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      keys[hole] = keys[at]!;
      values[hole] = values[at]!;
      hole = at;
    }
    keys[hole] = EMPTY;
    values[hole] = 0;
  }

  #grow(): void {
    const oldKeys = this.#keys;
    const oldValues = this.#values;
    this.#keys = new Int32Array(2 * oldKeys.length).fill(EMPTY);
    this.#values = new Int32Array(2 * oldKeys.length);
    this.#shift -= 1;
    this.#size = 0;
    for (let at = 0; at < oldKeys.length; at += 1) {
      if (oldKeys[at] !== EMPTY) this.set(oldKeys[at]!, oldValues[at]!);
    }
  }
}

/** Home slot of a block: its line by hash, its place in the line by its last bits. */
function homeOf(block: number, shift: number): number {
  const line = Math.imul(block >>> LINE_BITS, GOLDEN) >>> shift;
  return (line << LINE_BITS) | (block & LINE_MASK);
}

function shiftOf(capacity: number): number {
  return 1 + Math.clz32(capacity >>> LINE_BITS);
}
