/**
 * Reads msgpack item by item, without building objects.
 *
 * A KV event of a long prompt carries 14,000 token ids; a general decoder makes an array of them and
 * costs ten times as much as reading them straight into a Uint32Array, on the event loop that also
 * answers requests. Every malformed input ends in the one error of `fail`.
 * Format: msgpack specification, 2013 edition with str8 and bin.
 */
import { DynbenchError } from "../../base/errors.ts";

export class MsgpackReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Named in errors: what is being read. */
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  /** Byte offset of the next item; may be set back to an earlier one. */
  get position(): number {
    return this.#at;
  }

  set position(at: number) {
    this.#at = at;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Whether the next item is an array. */
  get atArray(): boolean {
    const byte = this.#peek();
    return (byte & 0xf0) === 0x90 || byte === 0xdc || byte === 0xdd;
  }

  /** Items of the array that starts here. */
  array(): number {
    const byte = this.#byte();
    if ((byte & 0xf0) === 0x90) return this.#counted(byte & 0x0f, 1);
    if (byte === 0xdc) return this.#counted(this.#unsigned(2), 1);
    if (byte === 0xdd) return this.#counted(this.#unsigned(4), 1);
    return this.fail("expected an array");
  }

  /** Pairs of the map that starts here. */
  map(): number {
    const byte = this.#byte();
    if ((byte & 0xf0) === 0x80) return this.#counted(byte & 0x0f, 2);
    if (byte === 0xde) return this.#counted(this.#unsigned(2), 2);
    if (byte === 0xdf) return this.#counted(this.#unsigned(4), 2);
    return this.fail("expected a map");
  }

  /** Consumes nil, if that is next; returns whether it was. */
  nil(): boolean {
    if (this.#peek() !== 0xc0) return false;
    this.#at += 1;
    return true;
  }

  /** A string; names and tags are ASCII, bytes beyond that come out as Latin-1. */
  text(): string {
    const byte = this.#byte();
    let length = 0;
    if ((byte & 0xe0) === 0xa0) length = byte & 0x1f;
    else if (byte >= 0xd9 && byte <= 0xdb) length = this.#unsigned(1 << (byte - 0xd9));
    else return this.fail("expected a string");
    const start = this.#advance(length);
    let text = "";
    for (let i = start; i < this.#at; i += 1) text += String.fromCharCode(this.#bytes[i]!);
    return text;
  }

  /** An integer or float as a number; integers beyond 2^53 are rounded. What counts nothing is none. */
  number(): number {
    const byte = this.#byte();
    const isFloat = byte === 0xcb || byte === 0xca;
    if (!isFloat) return Number(this.#integer(byte));
    const value =
      byte === 0xcb
        ? this.#view.getFloat64(this.#advance(8))
        : this.#view.getFloat32(this.#advance(4));
    return Number.isFinite(value) ? value : this.fail("expected a number");
  }

  /** The 64 bits of an integer (a negative one as its two's complement), or the last 8 of a binary's bytes. */
  bits64(): bigint {
    const byte = this.#byte();
    if (byte === 0xcf || byte === 0xd3) return this.#view.getBigUint64(this.#advance(8));
    if (byte < 0xc4 || byte > 0xc6) return BigInt.asUintN(64, BigInt(this.#integer(byte)));
    const length = this.#unsigned(1 << (byte - 0xc4));
    if (length < 8) return this.fail(`expected at least 8 bytes of binary, got ${length}`);
    return this.#view.getBigUint64(this.#advance(length) + length - 8);
  }

  /** An array of unsigned 32-bit integers. */
  uint32s(): Uint32Array {
    const values = new Uint32Array(this.array());
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < values.length; i += 1) {
      const byte = bytes[at]!;
      if (byte === 0xcd) {
        values[i] = (bytes[at + 1]! << 8) | bytes[at + 2]!;
        at += 3;
      } else if (byte < 0x80) {
        values[i] = byte;
        at += 1;
      } else {
        this.#at = at;
        values[i] = this.#uint32();
        at = this.#at;
      }
    }
    // Reads past the end gave zeros: one check behind the loop instead of one a token.
    if (at > bytes.length) this.fail("input ends early");
    this.#at = at;
    return values;
  }

  /** Skips one item, however deeply nested. */
  skip(): void {
    for (let left = 1; left > 0; left -= 1) {
      const byte = this.#peek();
      if (this.atArray) left += this.array();
      else if ((byte & 0xf0) === 0x80 || byte === 0xde || byte === 0xdf) left += 2 * this.map();
      else this.#skipScalar();
    }
  }

  /** Throws an error with what was read, what is wrong, and at which byte. */
  fail(problem: string): never {
    throw new DynbenchError(
      "load",
      `Cannot read ${this.#what}: ${problem} at byte ${this.#at} of ${this.#bytes.length}`,
      { hint: "Check that the endpoint is a KV-event publisher of a supported engine version" },
    );
  }

  #skipScalar(): void {
    const byte = this.#byte();
    if (byte <= 0x7f || byte >= 0xe0 || byte === 0xc0 || byte === 0xc2 || byte === 0xc3) return;
    if ((byte & 0xe0) === 0xa0) this.#advance(byte & 0x1f);
    else if (byte >= 0xc4 && byte <= 0xc6) this.#advance(this.#unsigned(1 << (byte - 0xc4)));
    else if (byte >= 0xc7 && byte <= 0xc9) this.#advance(this.#unsigned(1 << (byte - 0xc7)) + 1);
    else if (byte === 0xca) this.#advance(4);
    else if (byte === 0xcb) this.#advance(8);
    else if (byte >= 0xcc && byte <= 0xcf) this.#advance(1 << (byte - 0xcc));
    else if (byte >= 0xd0 && byte <= 0xd3) this.#advance(1 << (byte - 0xd0));
    else if (byte >= 0xd4 && byte <= 0xd8) this.#advance((1 << (byte - 0xd4)) + 1);
    else if (byte >= 0xd9 && byte <= 0xdb) this.#advance(this.#unsigned(1 << (byte - 0xd9)));
    else this.fail("expected an item");
  }

  #integer(byte: number): number | bigint {
    if (byte <= 0x7f) return byte;
    if (byte >= 0xe0) return byte - 0x100;
    if (byte >= 0xcc && byte <= 0xce) return this.#unsigned(1 << (byte - 0xcc));
    if (byte === 0xcf) return this.#view.getBigUint64(this.#advance(8));
    if (byte === 0xd0) return this.#view.getInt8(this.#advance(1));
    if (byte === 0xd1) return this.#view.getInt16(this.#advance(2));
    if (byte === 0xd2) return this.#view.getInt32(this.#advance(4));
    if (byte === 0xd3) return this.#view.getBigInt64(this.#advance(8));
    return this.fail("expected a number");
  }

  #uint32(): number {
    const value = this.#integer(this.#byte());
    if (value < 0 || value > 0xffff_ffff) this.fail("expected unsigned 32-bit integers");
    return Number(value);
  }

  #unsigned(bytes: number): number {
    const start = this.#advance(bytes);
    if (bytes === 1) return this.#bytes[start]!;
    return bytes === 2 ? this.#view.getUint16(start) : this.#view.getUint32(start);
  }

  /** Each item takes at least a byte: a larger count is false, and would cost memory. */
  #counted(count: number, itemsEach: number): number {
    if (count * itemsEach > this.#bytes.length - this.#at) this.fail("input ends early");
    return count;
  }

  #peek(): number {
    if (this.#at >= this.#bytes.length) this.fail("input ends early");
    return this.#bytes[this.#at]!;
  }

  #byte(): number {
    const byte = this.#peek();
    this.#at += 1;
    return byte;
  }

  #advance(length: number): number {
    if (length > this.#bytes.length - this.#at) this.fail("input ends early");
    const start = this.#at;
    this.#at += length;
    return start;
  }
}
