/**
 * The look-up behind `SegmentBlocks`: from (what came before, content, length) to a row with a first
 * block id and a number of blocks. Open addressing over typed arrays, because an hour of a trace makes
 * some hundred thousand look-ups, and string keys would cost more than everything else together.
 */

const FIRST_ROWS = 1024;
/** Up to this size a table grows fourfold, because moving the rows is most of its cost. */
const LARGE_ROWS = 1 << 18;

export class RunTable {
  /** Row + 1 by slot, 0 where free; always at least twice as many slots as rows. */
  #slots = new Int32Array(2 * FIRST_ROWS);
  #after = new Int32Array(FIRST_ROWS);
  #content = new Float64Array(FIRST_ROWS);
  #length = new Int32Array(FIRST_ROWS);
  #rows = 0;
  /** First block id by row; set by the caller. */
  first = new Int32Array(FIRST_ROWS);
  /** Blocks by row, 0 for a row just made; set by the caller. */
  count = new Int32Array(FIRST_ROWS);

  /** Row of the key; a new one, with `count` 0, for a new key. */
  row(after: number, content: number, length: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashOf(after, content, length) & mask;
    for (;;) {
      const row = slots[slot]! - 1;
      if (row < 0) return this.#add(slot, after, content, length);
      if (
        this.#after[row] === after &&
        this.#content[row] === content &&
        this.#length[row] === length
      ) {
        return row;
      }
      slot = (slot + 1) & mask;
    }
  }

  #add(slot: number, after: number, content: number, length: number): number {
    const row = this.#rows;
    this.#after[row] = after;
    this.#content[row] = content;
    this.#length[row] = length;
    this.#slots[slot] = row + 1;
    this.#rows += 1;
    if (this.#rows === this.#after.length) this.#grow();
    return row;
  }

  #grow(): void {
    const rows = (this.#rows < LARGE_ROWS ? 4 : 2) * this.#rows;
    this.#after = grown(this.#after, new Int32Array(rows));
    this.#content = grown(this.#content, new Float64Array(rows));
    this.#length = grown(this.#length, new Int32Array(rows));
    this.first = grown(this.first, new Int32Array(rows));
    this.count = grown(this.count, new Int32Array(rows));
    const slots = new Int32Array(2 * rows);
    const mask = slots.length - 1;
    for (let row = 0; row < this.#rows; row += 1) {
      let slot = hashOf(this.#after[row]!, this.#content[row]!, this.#length[row]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = row + 1;
    }
    this.#slots = slots;
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Multiply and mix, as the finalizer of MurmurHash3 does; `content` may exceed 32 bits. */
function hashOf(after: number, content: number, length: number): number {
  let hash = Math.imul(after, 0x9e3779b1) ^ Math.imul(content | 0, 0x85ebca6b);
  hash ^= Math.imul(Math.floor(content / 0x1_0000_0000) ^ (length << 8), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
