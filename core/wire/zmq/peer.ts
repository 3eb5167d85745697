/**
 * One end of one ZMTP connection: handshake, messages both ways, PING answered with PONG.
 *
 * The kernel may take only a part of a write; the rest waits here and is written on `drain`. The
 * queue is bounded as in ZeroMQ: beyond the high-water mark new messages are dropped.
 */
import type { Socket } from "bun";
import { DynbenchError } from "../../base/errors.ts";
import {
  encodeCommand,
  encodeMessage,
  greeting,
  readyCommand,
  socketTypeOf,
  ZmtpParser,
} from "./zmtp.ts";

/** Messages that wait for one slow peer; vLLM's default for its publisher (`hwm`). */
const HIGH_WATER_MARK = 100_000;

/** Bytes that may wait, because a batch of a long prompt has 45 kB. */
const MAX_WAITING_BYTES = 256 * 1024 * 1024;

/** A PING starts with its time to live in tenths of a second; what follows is echoed. */
const PING_TTL_BYTES = 2;

export interface PeerHandlers {
  /** The handshake is done; messages may be sent. */
  ready?(peer: ZmtpPeer): void;
  message(frames: Uint8Array[], peer: ZmtpPeer): void;
  /** Commands other than the handshake's and heartbeats. */
  command?(name: string, body: Uint8Array, peer: ZmtpPeer): void;
  /** The connection is over; `fault` is set when the peer broke the protocol. Called once. */
  closed?(peer: ZmtpPeer, fault: DynbenchError | undefined): void;
}

export interface PeerType {
  readonly own: "PUB" | "SUB" | "ROUTER" | "DEALER";
  /** Socket types that may be at the other end. */
  readonly accepts: readonly string[];
}

export class ZmtpPeer {
  readonly #socket: Socket<unknown>;
  readonly #type: PeerType;
  readonly #handlers: PeerHandlers;
  readonly #parser: ZmtpParser;
  /** Encoded messages in order; the first may be partly written. */
  #waiting: Uint8Array[] = [];
  #firstWaiting = 0;
  #sentOfFirst = 0;
  #waitingBytes = 0;
  #ready = false;
  #closed = false;
  #dropped = 0;

  /** Takes an open socket, whose owner calls `received`, `drained` and `ended`. */
  constructor(socket: Socket<unknown>, type: PeerType, handlers: PeerHandlers) {
    this.#socket = socket;
    this.#type = type;
    this.#handlers = handlers;
    this.#parser = new ZmtpParser({
      greeting: () => this.#write(readyCommand(type.own)),
      command: (name, body) => this.#command(name, body),
      message: (frames) => {
        if (!this.#ready) throw protocolFault("a message came before READY");
        handlers.message(frames, this);
      },
    });
    this.#write(greeting());
  }

  /** Messages dropped because too many were waiting. */
  get dropped(): number {
    return this.#dropped;
  }

  get ready(): boolean {
    return this.#ready && !this.#closed;
  }

  send(frames: readonly Uint8Array[]): void {
    this.sendEncoded(encodeMessage(frames));
  }

  /** Sends an encoded message, so that one encoding serves many peers. */
  sendEncoded(message: Uint8Array): void {
    if (this.#closed) return;
    const full =
      this.#waiting.length - this.#firstWaiting >= HIGH_WATER_MARK ||
      this.#waitingBytes + message.length > MAX_WAITING_BYTES;
    if (full) this.#dropped += 1;
    else this.#write(message);
  }

  /** Bytes arrived. */
  received(bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#parser.push(bytes);
    } catch (error) {
      if (!(error instanceof DynbenchError)) throw error;
      this.#close(error);
    }
  }

  /** The kernel takes bytes again. */
  drained(): void {
    while (this.#firstWaiting < this.#waiting.length && !this.#closed) {
      const message = this.#waiting[this.#firstWaiting]!;
      this.#sentOfFirst += this.#put(message.subarray(this.#sentOfFirst));
      if (this.#sentOfFirst < message.length) return;
      this.#firstWaiting += 1;
      this.#sentOfFirst = 0;
      this.#waitingBytes -= message.length;
    }
    this.#waiting = [];
    this.#firstWaiting = 0;
  }

  /** The socket is closed. */
  ended(): void {
    this.#close(undefined);
  }

  close(): void {
    this.#close(undefined);
  }

  #command(name: string, body: Uint8Array): void {
    if (!this.#ready && name !== "READY" && name !== "ERROR") {
      throw protocolFault("a command came before READY");
    }
    if (name === "READY") {
      if (this.#ready) throw protocolFault("READY came twice");
      const type = socketTypeOf(body);
      if (type === undefined || !this.#type.accepts.includes(type)) {
        throw protocolFault(
          `it is a ${type ?? "socket without a type"}, not ${this.#type.accepts.join(" or ")}`,
        );
      }
      this.#ready = true;
      this.#handlers.ready?.(this);
    } else if (name === "PING") {
      this.sendEncoded(encodeCommand("PONG", body.subarray(PING_TTL_BYTES)));
    } else if (name === "ERROR") {
      throw protocolFault(`it refused: ${new TextDecoder("latin1").decode(body.subarray(1))}`);
    } else if (name !== "PONG") {
      this.#handlers.command?.(name, body, this);
    }
  }

  #write(message: Uint8Array): void {
    if (this.#waiting.length === 0) {
      this.#sentOfFirst = this.#put(message);
      if (this.#sentOfFirst === message.length || this.#closed) return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
  }

  /** Number of bytes that the kernel took; for a closed socket negative, and `ended` follows. */
  #put(bytes: Uint8Array): number {
    return Math.max(0, this.#socket.write(bytes));
  }

  #close(fault: DynbenchError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    this.#firstWaiting = 0;
    this.#socket.end();
    this.#handlers.closed?.(this, fault);
  }
}

function protocolFault(problem: string): DynbenchError {
  return new DynbenchError("load", `Cannot speak ZeroMQ with the peer: ${problem}`, {
    hint: "Check that the endpoint is the one the engine names for KV events",
  });
}
