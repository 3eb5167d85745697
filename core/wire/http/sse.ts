/**
 * Reads the data of server-sent events (WHATWG HTML §9.2) from bytes that may be cut anywhere. Event
 * names, ids and retry times are skipped, because OpenAI streams use none of them.
 */

import { rangeOf, type ByteRange } from "./byte-range.ts";

/** vLLM's first chunk repeats the whole prompt when asked for token ids: 100 kB for 14,000 tokens. */
export const MAX_EVENT_BYTES = 8_388_608;

const LF = 10;
const CR = 13;
const SPACE = 32;
/** Length of `data:`. */
const FIELD_BYTES = 5;

export class SseParser {
  /** An unfinished line. */
  readonly #line = new ByteBuffer();
  /** Data of an event whose end has not come yet. */
  readonly #data = new ByteBuffer();
  #hasData = false;
  readonly #event: ByteRange = { bytes: NO_BYTES, from: 0, end: 0 };

  /**
   * Takes the next bytes; `onData` gets the data of each event that they complete, valid during the
   * call. Throws when an event is longer than `MAX_EVENT_BYTES`.
   */
  push({ bytes, from, end }: ByteRange, onData: (data: ByteRange) => void): void {
    let at = from;
    while (at < end) {
      const lineFeed = bytes.indexOf(LF, at);
      if (lineFeed === -1 || lineFeed >= end) {
        this.#line.append(bytes, at, end);
        return;
      }
      const isAtStart = this.#line.length === 0 && !this.#hasData;
      const next = isAtStart ? this.#takeWhole({ bytes, from: at, end }, lineFeed, onData) : -1;
      if (next !== -1) {
        at = next;
        continue;
      }
      this.#line.append(bytes, at, lineFeed);
      this.#takeLine(this.#line.view(), onData);
      this.#line.clear();
      at = lineFeed + 1;
    }
  }

  /**
   * The usual event needs no copy: one data line and its empty line, both at hand. Passes its data on
   * and returns the position after it; −1 when the event is not of this kind.
   */
  #takeWhole(
    { bytes, from, end }: ByteRange,
    lineFeed: number,
    onData: (data: ByteRange) => void,
  ): number {
    const isCr = bytes[lineFeed + 1] === CR;
    const last = isCr ? lineFeed + 2 : lineFeed + 1;
    if (last >= end || bytes[last] !== LF || !isDataLine(bytes, from, lineFeed)) return -1;
    const event = this.#event;
    event.bytes = bytes;
    event.from = valueStart(bytes, from);
    event.end = bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    onData(event);
    return last + 1;
  }

  #takeLine(line: Uint8Array, onData: (data: ByteRange) => void): void {
    const length = line.at(-1) === CR ? line.length - 1 : line.length;
    if (length === 0) {
      if (!this.#hasData) return;
      this.#hasData = false;
      onData(rangeOf(this.#data.view()));
      this.#data.clear();
    } else if (isDataLine(line, 0, length)) {
      if (this.#hasData) this.#data.append(NEW_LINE, 0, 1);
      this.#hasData = true;
      this.#data.append(line, valueStart(line, 0), length);
    }
  }
}

const NO_BYTES = new Uint8Array(0);
/** Enough for the rest of a usual event. */
const FIRST_ROOM_BYTES = 512;
const NEW_LINE = new Uint8Array([LF]);

/** Starts with `data:`. */
function isDataLine(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    end - at >= FIELD_BYTES &&
    bytes[at] === 100 &&
    bytes[at + 1] === 97 &&
    bytes[at + 2] === 116 &&
    bytes[at + 3] === 97 &&
    bytes[at + 4] === 58
  );
}

function valueStart(bytes: Uint8Array, at: number): number {
  const colonEnd = at + FIELD_BYTES;
  return bytes[colonEnd] === SPACE ? colonEnd + 1 : colonEnd;
}

/** A buffer that grows at its end; made on first use, because most events are never cut. */
class ByteBuffer {
  #bytes = NO_BYTES;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array, from: number, end: number): void {
    const length = this.#length + end - from;
    if (length > MAX_EVENT_BYTES) {
      throw new Error(`a server-sent event is longer than ${MAX_EVENT_BYTES} bytes`);
    }
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2, FIRST_ROOM_BYTES));
      grown.set(this.view());
      this.#bytes = grown;
    }
    this.#bytes.set(bytes.subarray(from, end), this.#length);
    this.#length = length;
  }

  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}
