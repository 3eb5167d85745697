/**
 * Writes msgpack item by item into a buffer that is kept between messages: the counterpart of
 * `MsgpackReader`, in the smallest encoding of each value, as msgspec (vLLM's encoder) does it.
 */

const FIRST_BYTES = 4096;

export class MsgpackWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** A copy of everything written, and an empty writer again. */
  finish(): Uint8Array {
    const message = this.#bytes.slice(0, this.#at);
    this.#at = 0;
    return message;
  }

  /** Starts an array of `items` items. */
  array(items: number): void {
    this.#container(items, 0x90, 0xdc);
  }

  /** Starts a map of `pairs` pairs. */
  map(pairs: number): void {
    this.#container(pairs, 0x80, 0xde);
  }

  nil(): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = 0xc0;
  }

  /** ASCII text below 256 characters. */
  text(text: string): void {
    this.#reserve(text.length + 2);
    if (text.length < 32) {
      this.#bytes[this.#at++] = 0xa0 | text.length;
    } else {
      this.#bytes[this.#at++] = 0xd9;
      this.#bytes[this.#at++] = text.length;
    }
    for (let i = 0; i < text.length; i += 1) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  float64(value: number): void {
    this.#reserve(9);
    this.#bytes[this.#at] = 0xcb;
    this.#view.setFloat64(this.#at + 1, value);
    this.#at += 9;
  }

  /** An unsigned integer below 2^32. */
  uint32(value: number): void {
    this.#reserve(5);
    this.#at = putUint32(this.#bytes, this.#at, value);
  }

  /** An unsigned integer below 2^64. */
  uint64(value: bigint): void {
    if (value <= 0xffff_ffffn) {
      this.uint32(Number(value));
      return;
    }
    this.#reserve(9);
    this.#bytes[this.#at] = 0xcf;
    this.#view.setBigUint64(this.#at + 1, value);
    this.#at += 9;
  }

  /** An array of unsigned 32-bit integers. */
  uint32s(values: ArrayLike<number>): void {
    this.array(values.length);
    this.#reserve(5 * values.length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < values.length; i += 1) at = putUint32(bytes, at, values[i]!);
    this.#at = at;
  }

  #container(count: number, small: number, large: number): void {
    this.#reserve(5);
    if (count < 16) {
      this.#bytes[this.#at++] = small | count;
    } else if (count <= 0xffff) {
      this.#bytes[this.#at] = large;
      this.#view.setUint16(this.#at + 1, count);
      this.#at += 3;
    } else {
      this.#bytes[this.#at] = large + 1;
      this.#view.setUint32(this.#at + 1, count);
      this.#at += 5;
    }
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Writes the shortest form and returns where the next item starts. */
function putUint32(bytes: Uint8Array, at: number, value: number): number {
  if (value < 0x80) {
    bytes[at] = value;
    return at + 1;
  }
  if (value <= 0xff) {
    bytes[at] = 0xcc;
    bytes[at + 1] = value;
    return at + 2;
  }
  if (value <= 0xffff) {
    bytes[at] = 0xcd;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value;
    return at + 3;
  }
  bytes[at] = 0xce;
  bytes[at + 1] = value >>> 24;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 8;
  bytes[at + 4] = value;
  return at + 5;
}
