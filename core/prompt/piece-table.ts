/**
 * Remembers the token ids of short pieces of text by their bytes. A hash table on typed arrays: with
 * a `Map` each look-up would first make a string, which takes ten times as long.
 */

/** More than all words of a vocabulary; the table is emptied when it is full. */
const MAX_PIECES = 65_536;
/** Half of them stay empty, so that a search ends soon. */
const SLOTS = MAX_PIECES * 2;
/** Longer pieces are not prose and seldom recur. */
const MAX_PIECE_BYTES = 64;
/** A word has 7 bytes and 1 to 3 ids on average; the table is emptied when bytes or ids run out. */
const ARENA_BYTES = MAX_PIECES * 16;
const ARENA_IDS = MAX_PIECES * 8;

export class PieceTable {
  readonly #encode: (piece: Uint8Array) => ArrayLike<number>;
  /** Entry in each slot, from 1; 0 is none. */
  readonly #slots = new Int32Array(SLOTS);
  readonly #hashes = new Int32Array(MAX_PIECES + 1);
  /** Where each entry's bytes and ids end; they start where the entry before ends. */
  readonly #byteEnds = new Int32Array(MAX_PIECES + 1);
  readonly #idEnds = new Int32Array(MAX_PIECES + 1);
  readonly #bytes = new Uint8Array(ARENA_BYTES);
  readonly #ids = new Uint32Array(ARENA_IDS);
  #count = 0;
  #out = new Uint32Array(16_384);

  /** `encode` returns the ids of a piece that is not yet known. */
  constructor(encode: (piece: Uint8Array) => ArrayLike<number>) {
    this.#encode = encode;
  }

  /** Ids of a text: the given ones up to `start`, then those of the pieces between its cuts. */
  encode(
    text: Uint8Array,
    cuts: {
      first: ArrayLike<number>;
      start: number;
      nextCut(bytes: Uint8Array, from: number): number;
    },
  ): Uint32Array {
    let length = this.#put(0, cuts.first, { from: 0, end: cuts.first.length });
    for (let from = cuts.start; from < text.length;) {
      const end = cuts.nextCut(text, from + 1);
      length = this.#piece(text, { from, end, length });
      from = end;
    }
    return this.#out.slice(0, length);
  }

  /** Appends the ids of one piece after `length` ids, and returns the new length. */
  #piece(
    text: Uint8Array,
    { from, end, length }: { from: number; end: number; length: number },
  ): number {
    let hash = 0x811c9dc5 | 0; // FNV-1a
    for (let i = from; i < end; i += 1) hash = Math.imul(hash ^ text[i]!, 0x01000193);
    let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      if (this.#hashes[entry] === hash && this.#isEntry(entry, text, { from, end })) {
        const ids = { from: this.#idEnds[entry - 1]!, end: this.#idEnds[entry]! };
        return this.#put(length, this.#ids, ids);
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
    const piece = text.subarray(from, end);
    const ids = this.#encode(piece);
    if (piece.length <= MAX_PIECE_BYTES) this.#remember(piece, ids, { hash, slot });
    return this.#put(length, ids, { from: 0, end: ids.length });
  }

  #isEntry(entry: number, text: Uint8Array, { from, end }: { from: number; end: number }): boolean {
    const start = this.#byteEnds[entry - 1]!;
    if (this.#byteEnds[entry]! - start !== end - from) return false;
    for (let i = from; i < end; i += 1) if (this.#bytes[start + i - from] !== text[i]) return false;
    return true;
  }

  #remember(
    piece: Uint8Array,
    ids: ArrayLike<number>,
    { hash, slot }: { hash: number; slot: number },
  ): void {
    const byteStart = this.#byteEnds[this.#count]!;
    const idStart = this.#idEnds[this.#count]!;
    const isFull =
      this.#count === MAX_PIECES ||
      byteStart + piece.length > ARENA_BYTES ||
      idStart + ids.length > ARENA_IDS;
    if (isFull) {
      this.#slots.fill(0);
      this.#count = 0;
      return; // emptying removed this slot too
    }
    this.#count += 1;
    this.#bytes.set(piece, byteStart);
    this.#ids.set(ids, idStart);
    this.#byteEnds[this.#count] = byteStart + piece.length;
    this.#idEnds[this.#count] = idStart + ids.length;
    this.#hashes[this.#count] = hash;
    this.#slots[slot] = this.#count;
  }

  #put(
    length: number,
    ids: ArrayLike<number>,
    { from, end }: { from: number; end: number },
  ): number {
    if (length + end - from > this.#out.length) {
      const larger = new Uint32Array((length + end - from) * 2);
      larger.set(this.#out.subarray(0, length));
      this.#out = larger;
    }
    for (let i = from; i < end; i += 1) this.#out[length++] = ids[i]!;
    return length;
  }
}
