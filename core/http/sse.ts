/**
 * Reads server-sent events (WHATWG HTML §9.2) from bytes that may be cut anywhere, and tells each
 * event's data. Event names, ids and retry times are nothing an OpenAI stream uses and are skipped.
 */

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

  /**
   * Takes the next bytes; `onData` gets the data of each event that they complete, as a view that is
   * valid during the call. Throws when an event is longer than `MAX_EVENT_BYTES`.
   */
  push(bytes: Uint8Array, onData: (data: Uint8Array) => void): void {
    let at = 0;
    while (at < bytes.length) {
      const lineFeed = bytes.indexOf(LF, at);
      if (lineFeed === -1) {
        this.#line.append(bytes, at, bytes.length);
        return;
      }
      const next = lineFeed + 1;
      if (this.#line.length > 0) {
        this.#line.append(bytes, at, lineFeed);
        this.#takeLine(this.#line.view(), onData);
        this.#line.clear();
      } else if (!this.#hasData && this.#isWhole(bytes, at, lineFeed)) {
        const end = bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
        onData(bytes.subarray(valueStart(bytes, at), end));
        at = next + (bytes[next] === CR ? 2 : 1);
        continue;
      } else {
        this.#takeLine(bytes.subarray(at, lineFeed), onData);
      }
      at = next;
    }
  }

  /** True for the usual event, which needs no copy: one data line and its empty line, both in `bytes`. */
  #isWhole(bytes: Uint8Array, at: number, lineFeed: number): boolean {
    const next = bytes[lineFeed + 1];
    const isEnded = next === LF || (next === CR && bytes[lineFeed + 2] === LF);
    return isEnded && isDataLine(bytes, at, lineFeed);
  }

  #takeLine(line: Uint8Array, onData: (data: Uint8Array) => void): void {
    const length = line.at(-1) === CR ? line.length - 1 : line.length;
    if (length === 0) {
      if (!this.#hasData) return;
      this.#hasData = false;
      onData(this.#data.view());
      this.#data.clear();
    } else if (isDataLine(line, 0, length)) {
      if (this.#hasData) this.#data.append(NEW_LINE, 0, 1);
      this.#hasData = true;
      this.#data.append(line, valueStart(line, 0), length);
    }
  }
}

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

/** Bytes that grow at the end and keep their room. */
class ByteBuffer {
  #bytes = new Uint8Array(512);
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
      const grown = new Uint8Array(Math.max(length, this.#bytes.length * 2));
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
