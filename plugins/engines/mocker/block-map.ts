/**
 * A map from cached block id to a physical block, as open addressing in two typed arrays.
 *
 * A worker can cache at most as many distinct ids as it has blocks, so the table is sized once and
 * memory does not grow with the number of ids a long trace uses.
 */
export class BlockMap {
  readonly #keys: Int32Array;
  readonly #values: Int32Array;
  readonly #mask: number;
  readonly #shift: number;
  #size = 0;

  /** `capacity`: the most entries it will hold. A quarter full at most, so probes stay short. */
  constructor(capacity: number) {
    let bits = 3;
    while (2 ** bits < capacity * 4) bits += 1;
    this.#keys = new Int32Array(2 ** bits).fill(EMPTY);
    this.#values = new Int32Array(2 ** bits);
    this.#mask = 2 ** bits - 1;
    this.#shift = 32 - bits;
  }

  get size(): number {
    return this.#size;
  }

  /** The value, or −1. */
  get(key: number): number {
    const slot = this.#slotOf(key);
    return this.#keys[slot] === EMPTY ? -1 : this.#values[slot]!;
  }

  set(key: number, value: number): void {
    const slot = this.#slotOf(key);
    if (this.#keys[slot] === EMPTY) {
      this.#keys[slot] = key;
      this.#size += 1;
    }
    this.#values[slot] = value;
  }

  delete(key: number): void {
    let hole = this.#slotOf(key);
    if (this.#keys[hole] === EMPTY) return;
    this.#size -= 1;
    // Backward shift: move up whatever the hole would cut off from its home slot.
    for (let slot = (hole + 1) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const other = this.#keys[slot]!;
      if (other === EMPTY) break;
      const distance = (slot - this.#home(other)) & this.#mask;
      if (distance >= ((slot - hole) & this.#mask)) {
        this.#keys[hole] = other;
        this.#values[hole] = this.#values[slot]!;
        hole = slot;
      }
    }
    this.#keys[hole] = EMPTY;
  }

  clear(): void {
    this.#keys.fill(EMPTY);
    this.#size = 0;
  }

  #slotOf(key: number): number {
    let slot = this.#home(key);
    while (this.#keys[slot] !== key && this.#keys[slot] !== EMPTY) slot = (slot + 1) & this.#mask;
    return slot;
  }

  /** Fibonacci hashing spreads runs of neighbouring ids, which identity hashing would pile up. */
  #home(key: number): number {
    return Math.imul(key, 0x9e3779b1) >>> this.#shift;
  }
}

/** Block ids are dense from 0, so no key is negative. */
const EMPTY = -1;
