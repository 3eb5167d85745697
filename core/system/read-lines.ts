/**
 * The lines of a text file of any size, in batches: plain, gzip or zstd (known by the first bytes,
 * not by the name), or standard input as `-`. LF or CRLF, with or without a byte order mark. Memory
 * is one piece of the file and its lines, whatever the size of the file.
 */
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { DynbenchError, messageOf } from "../base/errors.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** Longer lines are not rows of anything: a prompt of a hundred million tokens is 2 MB of hash ids. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 256 * 1024;

export interface LineBatch {
  /** Number of the batch's first line in the file, from 1. */
  readonly first: number;
  /** Lines without their ends; empty ones are kept, so that numbers stay true. */
  readonly lines: readonly string[];
}

/** Throws a `DynbenchError` that names the file for what cannot be read, unpacked or decoded. */
export async function* readLines(path: string, signal?: AbortSignal): AsyncGenerator<LineBatch> {
  const cutter = new LineCutter(path);
  try {
    for await (const piece of unpacked(bytesOf(path))) {
      signal?.throwIfAborted();
      const batch = cutter.push(piece);
      if (batch.lines.length > 0) yield batch;
    }
  } catch (cause) {
    if (cause instanceof DynbenchError || signal?.aborted === true) throw cause;
    throw new DynbenchError("plan", `Cannot read "${path}": ${reasonOf(cause)}`, {
      cause,
      hint: hintOf(cause),
    });
  }
  const rest = cutter.end();
  if (rest.lines.length > 0) yield rest;
}

/** Cuts pieces of bytes into lines. */
class LineCutter {
  readonly #path: string;
  /** Of the line that is not finished. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #line = 1;

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines that are finished with this piece. */
  push(piece: Uint8Array): LineBatch {
    const end = piece.lastIndexOf(NEWLINE);
    if (end === -1) {
      this.#keep(piece);
      return { first: this.#line, lines: [] };
    }
    const whole = piece.subarray(0, end);
    const text = this.#restBytes === 0 ? whole : Buffer.concat([...this.#rest, whole]);
    this.#rest = [];
    this.#restBytes = 0;
    const batch = this.#batch(text);
    this.#keep(piece.subarray(end + 1));
    return batch;
  }

  /** The last line, if no newline ended it. */
  end(): LineBatch {
    if (this.#restBytes === 0) return { first: this.#line, lines: [] };
    return this.#batch(Buffer.concat(this.#rest));
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#rest.push(piece.slice()); // the stream may use its buffer again
    this.#restBytes += piece.length;
    if (this.#restBytes > MAX_LINE_BYTES) {
      throw this.#fault(this.#line, `is longer than ${MAX_LINE_BYTES} bytes`);
    }
  }

  #batch(bytes: Uint8Array): LineBatch {
    const first = this.#line;
    const lines = this.#decoded(bytes).split("\n");
    if (first === 1 && lines[0]!.startsWith(BYTE_ORDER_MARK)) lines[0] = lines[0]!.slice(1);
    for (let i = 0; i < lines.length; i += 1) {
      const line = lines[i]!;
      if (line.endsWith("\r")) lines[i] = line.slice(0, -1);
    }
    this.#line += lines.length;
    return { first, lines };
  }

  #decoded(bytes: Uint8Array): string {
    try {
      return DECODER.decode(bytes);
    } catch {
      throw this.#fault(this.#line + undecodableLine(bytes), "is not UTF-8 text");
    }
  }

  #fault(line: number, problem: string): DynbenchError {
    return new DynbenchError("plan", `Cannot read "${this.#path}": line ${line} ${problem}`, {
      hint: "Check that this is the file you mean: text, one row a line",
    });
  }
}

const NEWLINE = 10;
const BYTE_ORDER_MARK = "\u{feff}";
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Which of the lines, from 0, is not UTF-8. */
function undecodableLine(bytes: Uint8Array): number {
  let start = 0;
  for (let line = 0; ; line += 1) {
    const end = bytes.indexOf(NEWLINE, start);
    try {
      DECODER.decode(bytes.subarray(start, end === -1 ? undefined : end));
    } catch {
      return line;
    }
    if (end === -1) return line;
    start = end + 1;
  }
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  if (path === "-") {
    yield* process.stdin as unknown as AsyncIterable<Uint8Array>;
    return;
  }
  await using file = await open(path, "r");
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** RFC 1952 §2.3.1 and RFC 8878 §3.1.1: what packed files begin with. */
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** The bytes as they are, or what they pack. */
async function* unpacked(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const first = await pieces.next();
  if (first.done === true) return;
  const startsWith = (magic: readonly number[]): boolean =>
    magic.every((byte, i) => first.value[i] === byte);
  const all = (async function* () {
    try {
      yield first.value;
      yield* pieces;
    } finally {
      await pieces.return(undefined); // closes the file when the reader stops at the first piece
    }
  })();
  if (startsWith(GZIP)) yield* throughStream(all, createGunzip({ chunkSize: PIECE_BYTES }));
  else if (startsWith(ZSTD)) yield* unzstd(all);
  else yield* all;
}

async function* unzstd(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames();
  const followed = (async function* () {
    for await (const piece of pieces) {
      frames.push(piece);
      yield piece;
    }
  })();
  yield* throughStream(followed, createZstdDecompress({ chunkSize: PIECE_BYTES }));
  if (!frames.isComplete) {
    throw Object.assign(new Error("unexpected end of file"), { code: "ZSTD_cut" });
  }
}

async function* throughStream(
  pieces: AsyncGenerator<Uint8Array>,
  unpack: NodeJS.ReadWriteStream,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(pieces);
  source.on("error", (error) => (unpack as unknown as Readable).destroy(error));
  try {
    yield* source.pipe(unpack) as unknown as AsyncIterable<Uint8Array>;
  } finally {
    source.destroy(); // and with it the file, when the reader stops early
  }
}

function reasonOf(cause: unknown): string {
  const code = (cause as { code?: string }).code;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES") return "reading it is not allowed";
  if (code === "Z_BUF_ERROR" || code === "Z_DATA_ERROR" || code?.startsWith("ZSTD") === true) {
    return `it is packed and broken or cut short (${messageOf(cause)})`;
  }
  return messageOf(cause);
}

function hintOf(cause: unknown): string | undefined {
  const code = (cause as { code?: string }).code;
  if (code === "ENOENT") return "Check the path; it is relative to the folder you are in";
  return code?.startsWith("Z") === true ? "Copy the file again and compare its size" : undefined;
}
