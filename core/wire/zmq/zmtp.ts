/**
 * ZMTP 3.0, the wire protocol of ZeroMQ over TCP, as bytes: greeting, commands, messages, and a
 * parser that takes the stream in any pieces. NULL mechanism only, the one that engines use.
 * Specification: ZeroMQ RFC 23/ZMTP. It is written here because the native libzmq binding aborts
 * under Bun, and four socket types of the protocol are little code.
 */
import { DynbenchError } from "../../base/errors.ts";

/** Far above any batch of KV events (a prompt of 1 M tokens has 5 MB), far below the memory of a machine. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const MAX_FRAMES = 64;

const GREETING_BYTES = 64;
const MECHANISM_AT = 12;
const MECHANISM_BYTES = 20;

const FLAG_MORE = 1;
const FLAG_LONG = 2;
const FLAG_COMMAND = 4;

/** Callbacks for the parts of a peer's stream. The receiver may keep the arrays. */
export interface ZmtpEvents {
  /** The peer's greeting is complete and acceptable. */
  greeting(): void;
  command(name: string, body: Uint8Array): void;
  message(frames: Uint8Array[]): void;
}

/** Version 3.0, mechanism NULL. */
export function greeting(): Uint8Array {
  const bytes = new Uint8Array(GREETING_BYTES);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.set(ascii("NULL"), MECHANISM_AT);
  return bytes;
}

/** A message of one or more frames. */
export function encodeMessage(frames: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const frame of frames) size += frameBytes(frame.length);
  const bytes = new Uint8Array(size);
  let at = 0;
  frames.forEach((frame, index) => {
    at = putFrame(bytes, at, frame, index < frames.length - 1 ? FLAG_MORE : 0);
  });
  return bytes;
}

export function encodeCommand(name: string, body: Uint8Array): Uint8Array {
  const content = new Uint8Array(1 + name.length + body.length);
  content[0] = name.length;
  content.set(ascii(name), 1);
  content.set(body, 1 + name.length);
  const bytes = new Uint8Array(frameBytes(content.length));
  putFrame(bytes, 0, content, FLAG_COMMAND);
  return bytes;
}

/** READY with our socket type (`SUB`, `PUB`, …), the last command of the handshake. */
export function readyCommand(socketType: string): Uint8Array {
  const name = ascii("Socket-Type");
  const body = new Uint8Array(1 + name.length + 4 + socketType.length);
  body[0] = name.length;
  body.set(name, 1);
  new DataView(body.buffer).setUint32(1 + name.length, socketType.length);
  body.set(ascii(socketType), 5 + name.length);
  return encodeCommand("READY", body);
}

/** The socket type in the body of a READY; undefined when it has none or is malformed. */
export function socketTypeOf(readyBody: Uint8Array): string | undefined {
  const view = new DataView(readyBody.buffer, readyBody.byteOffset, readyBody.byteLength);
  let at = 0;
  while (at < readyBody.length) {
    const valueAt = at + 1 + readyBody[at]! + 4;
    if (valueAt > readyBody.length) return undefined;
    const name = text(readyBody.subarray(at + 1, valueAt - 4));
    const end = valueAt + view.getUint32(valueAt - 4);
    if (end > readyBody.length) return undefined;
    if (name.toLowerCase() === "socket-type") return text(readyBody.subarray(valueAt, end));
    at = end;
  }
  return undefined;
}

/** Takes a peer's bytes as they come. Throws a `DynbenchError` on bytes that are not ZMTP 3; unusable afterwards. */
export class ZmtpParser {
  readonly #events: ZmtpEvents;
  /** Bytes not yet parsed: `#buffer[#start, #end)`. */
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #greeted = false;
  #frames: Uint8Array[] = [];
  #messageBytes = 0;

  constructor(events: ZmtpEvents) {
    this.#events = events;
  }

  push(bytes: Uint8Array): void {
    this.#append(bytes);
    if (!this.#greeted && !this.#readGreeting()) return;
    while (this.#readFrame());
  }

  #append(bytes: Uint8Array): void {
    const left = this.#end - this.#start;
    if (this.#end + bytes.length > this.#buffer.length) {
      const fits = left + bytes.length <= this.#buffer.length;
      const target = fits ? this.#buffer : new Uint8Array(2 * (left + bytes.length));
      target.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = target;
      this.#start = 0;
      this.#end = left;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #readGreeting(): boolean {
    const buffer = this.#buffer;
    const available = this.#end;
    if (available > 0 && buffer[0] !== 0xff) fail("its first byte is not that of a greeting");
    if (available > 9 && buffer[9] !== 0x7f) fail("its greeting is malformed");
    if (available > 10 && buffer[10]! < 3) fail(`it speaks version ${buffer[10]}, not 3`);
    if (available < GREETING_BYTES) return false;
    const mechanism = text(buffer.subarray(MECHANISM_AT, MECHANISM_AT + MECHANISM_BYTES));
    const name = mechanism.replace(/\0+$/, "");
    if (name !== "NULL") fail(`it asks for mechanism "${name}", not NULL`);
    this.#start = GREETING_BYTES;
    this.#greeted = true;
    this.#events.greeting();
    return true;
  }

  /** Reads one frame if it is complete. */
  #readFrame(): boolean {
    const available = this.#end - this.#start;
    if (available < 2) return false;
    const flags = this.#buffer[this.#start]!;
    if (flags > 7) fail(`frame flags ${flags} are unknown`);
    const long = (flags & FLAG_LONG) !== 0;
    const header = long ? 9 : 2;
    if (available < header) return false;
    const size = long ? this.#longSize() : this.#buffer[this.#start + 1]!;
    if (this.#messageBytes + size > MAX_MESSAGE_BYTES) fail("a message exceeds 64 MiB");
    if (available < header + size) return false;
    const from = this.#start + header;
    const body = this.#buffer.slice(from, from + size);
    this.#start = from + size;
    if ((flags & FLAG_COMMAND) !== 0) this.#command(body);
    else this.#frame(body, (flags & FLAG_MORE) !== 0);
    return true;
  }

  #longSize(): number {
    const view = new DataView(this.#buffer.buffer, this.#start + 1, 8);
    return view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
  }

  #command(body: Uint8Array): void {
    const nameEnd = 1 + (body[0] ?? 0);
    if (nameEnd === 1 || nameEnd > body.length) fail("a command has no name");
    this.#events.command(text(body.subarray(1, nameEnd)), body.subarray(nameEnd));
  }

  #frame(body: Uint8Array, more: boolean): void {
    this.#frames.push(body);
    this.#messageBytes += body.length;
    if (this.#frames.length > MAX_FRAMES) fail(`a message exceeds ${MAX_FRAMES} frames`);
    if (more) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#messageBytes = 0;
    this.#events.message(frames);
  }
}

function fail(problem: string): never {
  throw new DynbenchError("load", `Cannot speak ZeroMQ with the peer: ${problem}`, {
    hint: "Check that the endpoint is a ZeroMQ socket without authentication",
  });
}

function frameBytes(length: number): number {
  return length + (length > 0xff ? 9 : 2);
}

function putFrame(bytes: Uint8Array, at: number, frame: Uint8Array, flags: number): number {
  let next = at;
  if (frame.length > 0xff) {
    bytes[next] = flags | FLAG_LONG;
    // Frames stay below 4 GiB: the upper half of the length is zero.
    new DataView(bytes.buffer).setUint32(next + 5, frame.length);
    next += 9;
  } else {
    bytes[next] = flags;
    bytes[next + 1] = frame.length;
    next += 2;
  }
  bytes.set(frame, next);
  return next + frame.length;
}

function ascii(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
