/**
 * Turns what a worker answers into the `Response` the client gets: status, headers and body bytes
 * unchanged, each piece passed on as it comes. Short answers of known length are gathered instead,
 * so that their `content-length` survives.
 */
import type { ResponseHead } from "../http/client.ts";
import { errorFrame, errorResponse } from "./openai-error.ts";

/** Answers up to this length are gathered. Longer ones are passed on in pieces. */
const MAX_GATHERED_BYTES = 1_048_576;
/** Pieces waiting for a client that does not read: far more than the longest answer has tokens. */
const MAX_WAITING_PIECES = 262_144;

const LF = 0x0a;

export interface RelayOptions {
  readonly head: ResponseHead;
  /** Added to the worker's own headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** The response can be handed to the server. */
  onResponse(response: Response): void;
  /** The client went away, or does not read. */
  onCancel(): void;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #headers: Headers;
  readonly #isEvents: boolean;
  #gathered: Uint8Array[] | undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #endsLine = true;
  #over = false;

  constructor(options: RelayOptions) {
    const { head, headers, onResponse, onCancel } = options;
    this.#options = options;
    this.#headers = passedHeaders(head, headers);
    this.#isEvents = head.headers.get("content-type")?.startsWith("text/event-stream") === true;
    const length = Number(head.headers.get("content-length") ?? Infinity);
    if (!this.#isEvents && length <= MAX_GATHERED_BYTES) {
      this.#gathered = [];
      return;
    }
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => {
        if (this.#over) return;
        this.#over = true;
        onCancel();
      },
    });
    onResponse(new Response(stream, { status: head.status, headers: this.#headers }));
  }

  /** Bytes are copied; they need to be valid during the call only. */
  data(bytes: Uint8Array): void {
    if (this.#over) return;
    if (this.#gathered !== undefined) {
      this.#gathered.push(bytes.slice());
      return;
    }
    const controller = this.#controller!;
    this.#endsLine = bytes[bytes.length - 1] === LF;
    controller.enqueue(bytes.slice());
    if ((controller.desiredSize ?? 0) < -MAX_WAITING_PIECES) {
      this.abort();
      this.#options.onCancel();
    }
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#gathered === undefined) {
      this.#controller!.close();
      return;
    }
    const { head, onResponse } = this.#options;
    // A status that allows no body (204, 304) refuses even an empty one.
    const body = this.#gathered.length === 0 ? null : Buffer.concat(this.#gathered);
    onResponse(new Response(body, { status: head.status, headers: this.#headers }));
  }

  /** The worker's answer broke off. */
  fail(message: string): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#gathered !== undefined) {
      this.#options.onResponse(errorResponse(502, { type: "upstream_error", message }));
    } else if (this.#isEvents) {
      this.#controller!.enqueue(errorFrame(message, !this.#endsLine));
      this.#controller!.close();
    } else this.#controller!.error(new Error(message));
  }

  /** Breaks the client's connection. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#controller?.error(new Error("the gateway ends"));
  }
}

/** Of one connection only, not of the answer (RFC 9110 §7.6.1); the server writes its own. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "te",
  "trailer",
  "upgrade",
  "proxy-connection",
]);

function passedHeaders(head: ResponseHead, added: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  for (const [name, value] of head.headers) if (!HOP_BY_HOP.has(name)) headers.set(name, value);
  for (const name in added) headers.set(name, added[name]!);
  return headers;
}
