/**
 * Reads HTTP/1.1 responses from bytes that may be cut anywhere (RFC 9112). It owns no socket and no
 * clock: bytes go in, and the parts of the response go to the sink, body bytes without their chunk
 * framing. A fault of the response is reported once, through `malformed`.
 */

import type { ByteRange } from "./byte-range.ts";

/** Status line and headers of a final response. Names are in lower case; repeated ones are joined by ", ". */
export interface ResponseHead {
  status: number;
  headers: ReadonlyMap<string, string>;
}

export interface ResponseSink {
  head(head: ResponseHead): void;
  /** Body bytes, valid during the call. */
  data(range: ByteRange): void;
  end(): void;
  /** The response cannot be read; the sink is not called again. */
  malformed(message: string): void;
}

/** Limit of status line and headers together, and of trailers. Node has the same limit. */
export const MAX_HEAD_BYTES = 16_384;
/** Limit of a chunk's size line, with room for extensions, which servers do not send. */
const MAX_CHUNK_LINE_BYTES = 1_024;

const LF = 10;
const CR = 13;

type State =
  | "head"
  | "body-length"
  | "body-until-close"
  | "chunk-line"
  | "chunk-data"
  | "chunk-end"
  | "trailers"
  | "done"
  | "broken";

export class ResponseParser {
  readonly #sink: ResponseSink;
  #state: State = "head";
  /** Bytes of an unfinished head, chunk line or trailer. */
  #held = "";
  /** Body or chunk bytes still to come. */
  #remaining = 0;
  #keepAlive = true;
  #started = false;
  readonly #range: ByteRange = { bytes: new Uint8Array(0), from: 0, end: 0 };

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** True until the first byte of a final or interim response was seen. */
  get untouched(): boolean {
    return !this.#started;
  }

  /** True when the response is complete and its connection may carry another request. */
  get reusable(): boolean {
    return this.#state === "done" && this.#keepAlive;
  }

  /** Takes the next bytes. Bytes after the end of the response make the connection not reusable. */
  push(bytes: Uint8Array): void {
    let at = 0;
    this.#started ||= bytes.length > 0;
    while (at < bytes.length) {
      switch (this.#state) {
        case "head":
          at = this.#takeHead(bytes, at);
          break;
        case "chunk-line": {
          const after = this.#held === "" ? this.#takeWholeChunk(bytes, at) : -1;
          at = after === -1 ? this.#takeChunkLine(bytes, at) : after;
          break;
        }
        case "chunk-data":
        case "body-length":
          at = this.#takeCounted(bytes, at);
          break;
        case "chunk-end":
          at = this.#takeChunkEnd(bytes, at);
          break;
        case "trailers":
          at = this.#takeTrailer(bytes, at);
          break;
        case "body-until-close":
          this.#passOn(bytes, at, bytes.length);
          return;
        case "done":
          this.#keepAlive = false;
          return;
        case "broken":
          return;
      }
    }
  }

  /** The peer closed. Ends a body that runs until close; returns whether the response was complete. */
  closed(): boolean {
    if (this.#state === "body-until-close") this.#finish();
    return this.#state === "done";
  }

  #takeHead(bytes: Uint8Array, from: number): number {
    const whole = this.#held === "" ? headEnd(bytes, from) : -1;
    if (whole !== -1) {
      this.#readHead(latin1(bytes, from, whole));
      return whole;
    }
    const line = this.#line(bytes, { from, limit: MAX_HEAD_BYTES, what: "response head" });
    if (line === undefined) return bytes.length;
    // The head is collected whole; an empty line after it ends it.
    if (!this.#held.endsWith("\n\n") && !this.#held.endsWith("\n\r\n")) {
      if (this.#held === "\n" || this.#held === "\r\n") this.#held = "";
      return line;
    }
    const text = this.#held;
    this.#held = "";
    this.#readHead(text);
    return line;
  }

  /** Appends bytes up to and with the next LF to `#held`; the position after it, or undefined. */
  #line(
    bytes: Uint8Array,
    options: { from: number; limit: number; what: string },
  ): number | undefined {
    const lineFeed = bytes.indexOf(LF, options.from);
    const end = lineFeed === -1 ? bytes.length : lineFeed + 1;
    if (this.#held.length + end - options.from > options.limit) {
      this.#break(`${options.what} longer than ${options.limit} bytes`);
      return undefined;
    }
    this.#held += latin1(bytes, options.from, end);
    return lineFeed === -1 ? undefined : end;
  }

  #readHead(text: string): void {
    const lines = text.split(/\r?\n/);
    const status = /^HTTP\/1\.([01]) (\d{3})(?: .*)?$/.exec(lines[0]!);
    if (status === null)
      return this.#break(`not an HTTP/1.1 response: "${lines[0]!.slice(0, 60)}"`);
    const headers = new Map<string, string>();
    for (let i = 1; i < lines.length; i += 1) {
      const line = lines[i]!;
      if (line === "") continue;
      const colon = line.indexOf(":");
      if (colon <= 0) return this.#break(`bad header line "${line.slice(0, 60)}"`);
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      const before = headers.get(name);
      headers.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    this.#begin(Number(status[2]), status[1] === "0", headers);
  }

  #begin(status: number, old: boolean, headers: Map<string, string>): void {
    // 1xx come before the final response; 101 would end HTTP, and dynbench never asks for it.
    if (status === 101) return this.#break("the server switched protocols unasked");
    if (status < 200) return;
    const connection = headers.get("connection")?.toLowerCase() ?? "";
    this.#keepAlive = old ? connection.includes("keep-alive") : !connection.includes("close");
    const coding = headers.get("transfer-encoding")?.toLowerCase();
    const length = headers.get("content-length");
    if (status === 204 || status === 304) this.#state = "done";
    else if (coding !== undefined) {
      if (coding !== "chunked") return this.#break(`transfer encoding "${coding}" is not chunked`);
      this.#state = "chunk-line";
    } else if (length !== undefined) {
      // A repeated equal length is joined as "5, 5" (RFC 9110 §8.6 allows taking it as one).
      const lengths = new Set(length.split(/\s*,\s*/));
      const value = [...lengths][0]!;
      if (lengths.size !== 1 || !/^\d{1,15}$/.test(value)) {
        return this.#break(`bad content length "${length.slice(0, 60)}"`);
      }
      this.#remaining = Number(value);
      this.#state = this.#remaining === 0 ? "done" : "body-length";
    } else {
      this.#state = "body-until-close";
      this.#keepAlive = false;
    }
    this.#sink.head({ status, headers });
    if (this.#state === "done") this.#sink.end();
  }

  #takeCounted(bytes: Uint8Array, from: number): number {
    const end = Math.min(bytes.length, from + this.#remaining);
    this.#remaining -= end - from;
    this.#passOn(bytes, from, end);
    if (this.#remaining === 0) {
      if (this.#state === "chunk-data") this.#state = "chunk-end";
      else this.#finish();
    }
    return end;
  }

  #passOn(bytes: Uint8Array, from: number, end: number): void {
    const range = this.#range;
    range.bytes = bytes;
    range.from = from;
    range.end = end;
    this.#sink.data(range);
  }

  #takeChunkLine(bytes: Uint8Array, from: number): number {
    const options = { from, limit: MAX_CHUNK_LINE_BYTES, what: "chunk size line" };
    const end = this.#line(bytes, options);
    if (end === undefined) return bytes.length;
    const text = this.#held;
    this.#held = "";
    const size = /^([0-9a-fA-F]{1,12})[ \t]*(?:;[^\n]*)?\r?\n$/.exec(text);
    if (size === null) {
      this.#break(`bad chunk size line "${text.slice(0, 60).trimEnd()}"`);
      return end;
    }
    this.#remaining = Number.parseInt(size[1]!, 16);
    this.#state = this.#remaining === 0 ? "trailers" : "chunk-data";
    return end;
  }

  /**
   * The hot path: a chunk that lies whole in `bytes`, its size line 1 to 7 hex digits, CR, LF. Passes on
   * its data and returns the position after it; −1 when the chunk is not of this kind.
   */
  #takeWholeChunk(bytes: Uint8Array, from: number): number {
    let size = 0;
    for (let at = from; at < from + 8; at += 1) {
      const byte = bytes[at];
      if (byte === CR) {
        const end = at + 2 + size;
        if (size === 0 || bytes[at + 1] !== LF || bytes[end] !== CR || bytes[end + 1] !== LF) {
          return -1;
        }
        this.#passOn(bytes, at + 2, end);
        return end + 2;
      }
      const digit = byte === undefined ? -1 : hexDigit(byte);
      if (digit === -1) return -1;
      size = size * 16 + digit;
    }
    return -1;
  }

  #takeChunkEnd(bytes: Uint8Array, from: number): number {
    const byte = bytes[from]!;
    if (byte === LF) this.#state = "chunk-line";
    else if (byte !== CR) this.#break("a chunk is longer than its size says");
    return from + 1;
  }

  #takeTrailer(bytes: Uint8Array, from: number): number {
    // `#remaining` is 0 after the last chunk and counts trailer bytes from here.
    const limit = MAX_HEAD_BYTES - this.#remaining;
    const end = this.#line(bytes, { from, limit, what: "trailers" });
    if (end === undefined) return bytes.length;
    this.#remaining += this.#held.length;
    const isLast = this.#held === "\r\n" || this.#held === "\n";
    this.#held = "";
    if (isLast) this.#finish();
    return end;
  }

  #finish(): void {
    this.#state = "done";
    this.#sink.end();
  }

  #break(message: string): void {
    this.#state = "broken";
    this.#keepAlive = false;
    this.#held = "";
    this.#sink.malformed(message);
  }
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** End of a head that lies whole in `bytes`, within the bound; −1 otherwise, for the slow path. */
function headEnd(bytes: Uint8Array, from: number): number {
  if (bytes[from] === CR || bytes[from] === LF) return -1;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = view.indexOf(HEAD_END, from);
  return end === -1 || end + 4 - from > MAX_HEAD_BYTES ? -1 : end + 4;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function latin1(bytes: Uint8Array, from: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString("latin1");
}
