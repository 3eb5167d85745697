/**
 * Reads HTTP/1.1 requests from bytes that may be cut anywhere (RFC 9112), one at a time: while a
 * request is being answered, what the client sends next waits. Owns no socket and no clock.
 */
import { HEADROOM } from "../prompt/body.ts";

/** A whole request. Header names are in lower case; repeated headers are joined by ", ". */
export interface ParsedRequest {
  readonly method: string;
  /** As sent: path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Valid until the request is answered; then its memory serves the next one. */
  readonly body: Uint8Array;
  /** Bytes before `body` in its buffer that are free for the head of a request with the same body. */
  readonly headroom: number;
  /** The connection may carry another request after the answer. */
  readonly keepAlive: boolean;
  /** HTTP/1.0 clients cannot read chunks. */
  readonly knowsChunks: boolean;
}

export interface RequestSink {
  request(request: ParsedRequest): void;
  /** The client waits for `100 Continue` before it sends the body. */
  expectsContinue(): void;
  /** The bytes are no request that can be read; nothing more comes. */
  malformed(status: number, message: string): void;
}

/** Request line and headers: what nginx allows in large headers, four buffers of 8 KiB. */
const MAX_HEAD_BYTES = 32_768;
/** A million tokens as ids are 7 MB; images in chats are larger. */
const MAX_BODY_BYTES = 268_435_456;
/** Bodies up to this share one buffer per connection. */
const MAX_KEPT_BYTES = 1_048_576;
/** Room for a body in chunks at first; it doubles. */
const FIRST_CHUNKS_BYTES = 65_536;
/** A chunk's size line, with extensions nobody sends. */
const MAX_CHUNK_LINE_BYTES = 1_024;

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const EMPTY = Buffer.alloc(0);
const TARGET = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/;

interface Head {
  readonly method: string;
  readonly target: string;
  readonly headers: Record<string, string>;
  readonly keepAlive: boolean;
  readonly knowsChunks: boolean;
}

export class RequestParser {
  readonly #sink: RequestSink;
  #state: "head" | "counted" | "chunks" | "answering" | "broken" = "head";
  /** Bytes that were not taken yet. */
  #held: Buffer = EMPTY;
  #head: Head | undefined;
  #body: Buffer = EMPTY;
  #kept: Buffer = EMPTY;
  #filled = 0;
  /** Of the chunk whose size line was read; undefined before the next size line. */
  #chunkLeft: number | undefined;
  #isLastChunk = false;
  /** Sent while a request was being answered. */
  #ahead: Buffer[] = [];
  #aheadBytes = 0;
  #delivered = 0;
  #isDelivering = false;
  /** The answer is complete, and what came after its request is not read yet. */
  #isAnswered = false;

  constructor(sink: RequestSink) {
    this.#sink = sink;
  }

  /** Whole requests so far. */
  get delivered(): number {
    return this.#delivered;
  }

  /** A request has begun and is not whole. */
  get isReading(): boolean {
    if (this.#state === "head") return this.#held.length > 0;
    return this.#state === "counted" || this.#state === "chunks";
  }

  /** Bytes of the body that is being read. */
  get filled(): number {
    return this.#filled;
  }

  /** What has begun is not waited for any longer. */
  giveUp(message: string): void {
    this.#break(408, message);
  }

  push(bytes: Uint8Array): void {
    const more = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.#state === "counted") this.#fill(more);
    else if (this.#state === "head" && this.#held.length === 0) this.#readHead(more);
    else if (this.#state === "answering") this.#keepAhead(more);
    else if (this.#state !== "broken") {
      this.#hold(more);
      this.#read();
    }
    if (this.#isAnswered) this.#readNext();
  }

  /** The answer is complete: the next request may come. */
  answered(): void {
    if (this.#state !== "answering") return;
    this.#state = "head";
    this.#isAnswered = true;
    if (!this.#isDelivering) this.#readNext();
  }

  /** A loop, because requests that are answered at once would call each other without end. */
  #readNext(): void {
    while (this.#isAnswered) {
      this.#isAnswered = false;
      if (this.#aheadBytes > 0) {
        this.#held = Buffer.concat([this.#held, ...this.#ahead]);
        this.#ahead = [];
        this.#aheadBytes = 0;
      }
      this.#read();
    }
  }

  #keepAhead(bytes: Buffer): void {
    this.#ahead.push(Buffer.from(bytes));
    this.#aheadBytes += bytes.length;
    if (this.#aheadBytes > MAX_BODY_BYTES) this.#break(413, "too much sent ahead");
  }

  /** Copies: what the socket gives is valid during the call only. */
  #hold(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes]);
  }

  #read(): void {
    if (this.#state === "head" && this.#held.length > 0) {
      const held = this.#held;
      this.#held = EMPTY;
      this.#readHead(held);
    } else if (this.#state === "chunks") this.#readChunks();
  }

  #readHead(bytes: Buffer): void {
    // Empty lines before a request are allowed (RFC 9112 §2.2).
    let from = 0;
    while (bytes[from] === 13 && bytes[from + 1] === 10) from += 2;
    const end = bytes.indexOf(HEAD_END, from);
    const length = (end === -1 ? bytes.length : end) - from;
    if (length > MAX_HEAD_BYTES) return this.#break(431, "the head is too long");
    if (end === -1) return this.#hold(bytes.subarray(from));
    const head = parseHead(bytes.toString("latin1", from, end));
    if (head === undefined) return this.#break(400, "the head is not one of HTTP/1.1");
    this.#head = head;
    this.#beginBody(head, bytes.subarray(end + HEAD_END.length));
  }

  #beginBody(head: Head, rest: Buffer): void {
    const { headers } = head;
    const coding = headers["transfer-encoding"];
    const length = headers["content-length"];
    if (coding !== undefined) {
      if (coding.toLowerCase() !== "chunked" || length !== undefined) {
        return this.#break(400, 'the body\'s transfer-encoding is not "chunked" alone');
      }
      this.#state = "chunks";
      this.#body = this.#room(FIRST_CHUNKS_BYTES);
      this.#filled = 0;
      this.#chunkLeft = undefined;
      if (rest.length === 0) return this.#askForBody(head);
      this.#hold(rest);
      this.#readChunks();
      return;
    }
    if (length !== undefined && !/^\d{1,15}$/.test(length)) {
      return this.#break(400, "the content length is not a number");
    }
    const total = Number(length ?? 0);
    if (total > MAX_BODY_BYTES) return this.#break(413, "the body is too long");
    this.#state = "counted";
    this.#body = this.#room(total);
    this.#filled = 0;
    if (rest.length < total && rest.length === 0) this.#askForBody(head);
    this.#fill(rest);
  }

  /** Memory for a body: that of the last one where it is large enough, because new pages cost. */
  #room(bytes: number): Buffer {
    const wanted = HEADROOM + bytes;
    if (bytes > MAX_KEPT_BYTES) return Buffer.allocUnsafeSlow(wanted).subarray(HEADROOM);
    if (this.#kept.length < wanted) this.#kept = Buffer.allocUnsafeSlow(Math.ceil(wanted * 1.125));
    return this.#kept.subarray(HEADROOM, wanted);
  }

  #askForBody(head: Head): void {
    if (head.headers["expect"]?.toLowerCase() === "100-continue") this.#sink.expectsContinue();
  }

  #fill(bytes: Buffer): void {
    const wanted = this.#body.length - this.#filled;
    const taken = Math.min(wanted, bytes.length);
    this.#body.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    if (taken < wanted) return;
    const body = this.#body;
    this.#body = EMPTY;
    if (taken < bytes.length) this.#hold(bytes.subarray(taken));
    this.#deliver(body);
  }

  #readChunks(): void {
    while (this.#state === "chunks") {
      if (this.#chunkLeft === undefined) {
        const size = this.#readSizeLine();
        if (size === undefined) return;
        this.#chunkLeft = size;
        this.#isLastChunk = size === 0;
      }
      if (this.#chunkLeft > 0 && !this.#readChunk(this.#chunkLeft)) return;
      const done = this.#isLastChunk ? this.#readTrailers() : this.#readChunkEnd();
      if (!done) return;
    }
  }

  #readSizeLine(): number | undefined {
    const end = this.#held.indexOf(LINE_END);
    if ((end === -1 ? this.#held.length : end) > MAX_CHUNK_LINE_BYTES) {
      this.#break(400, "a chunk's size line is too long");
    }
    if (end === -1 || this.#state === "broken") return undefined;
    const size = /^0*([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(this.#held.toString("latin1", 0, end));
    if (size === null) {
      this.#break(400, "a chunk's size is not a number");
      return undefined;
    }
    this.#held = this.#held.subarray(end + LINE_END.length);
    const bytes = Number.parseInt(size[1]!, 16);
    if (this.#filled + bytes <= MAX_BODY_BYTES) return bytes;
    this.#break(413, "the body is too long");
    return undefined;
  }

  /** Copies what is there of a chunk, so that neither large nor small ones are held. */
  #readChunk(left: number): boolean {
    const taken = Math.min(left, this.#held.length);
    const filled = this.#filled + taken;
    if (filled > this.#body.length) {
      const larger = Buffer.allocUnsafeSlow(HEADROOM + 2 * filled).subarray(HEADROOM);
      larger.set(this.#body.subarray(0, this.#filled));
      this.#body = larger;
    }
    this.#body.set(this.#held.subarray(0, taken), this.#filled);
    this.#filled = filled;
    this.#held = taken === this.#held.length ? EMPTY : this.#held.subarray(taken);
    this.#chunkLeft = left - taken;
    return taken === left;
  }

  #readChunkEnd(): boolean {
    if (this.#held.length < LINE_END.length) return false;
    if (this.#held[0] !== 13 || this.#held[1] !== 10) {
      this.#break(400, "a chunk is longer than its size says");
      return false;
    }
    this.#held = this.#held.subarray(LINE_END.length);
    this.#chunkLeft = undefined;
    return true;
  }

  /** Trailers are dropped. */
  #readTrailers(): boolean {
    const end = this.#held.indexOf(LINE_END);
    if (end === -1) {
      if (this.#held.length > MAX_HEAD_BYTES) this.#break(431, "the trailers are too long");
      return false;
    }
    this.#held = this.#held.subarray(end + LINE_END.length);
    if (end > 0) return true;
    const body = this.#body.subarray(0, this.#filled);
    this.#body = EMPTY;
    this.#deliver(body);
    return false;
  }

  #deliver(body: Buffer): void {
    this.#state = "answering";
    this.#delivered += 1;
    const head = this.#head!;
    this.#head = undefined;
    this.#isDelivering = true;
    this.#sink.request({ ...head, body, headroom: HEADROOM });
    this.#isDelivering = false;
  }

  #break(status: number, message: string): void {
    if (this.#state === "broken") return;
    this.#state = "broken";
    this.#held = EMPTY;
    this.#body = EMPTY;
    this.#ahead = [];
    this.#sink.malformed(status, `Cannot read the request: ${message}`);
  }
}

function parseHead(text: string): Head | undefined {
  const lines = text.split("\r\n");
  const first = TARGET.exec(lines[0]!);
  if (first === null) return undefined;
  // Without a prototype: `constructor` and `__proto__` are names like any others.
  const headers = Object.create(null) as Record<string, string>;
  for (let i = 1; i < lines.length; i += 1) {
    const line = lines[i]!;
    const colon = line.indexOf(":");
    if (colon <= 0 || line.charCodeAt(colon - 1) <= 32) return undefined;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  const connection = headers["connection"]?.toLowerCase() ?? "";
  const isOld = first[3] === "0";
  return {
    method: first[1]!,
    target: first[2]!,
    headers,
    keepAlive: isOld ? connection.includes("keep-alive") : !connection.includes("close"),
    knowsChunks: !isOld,
  };
}
