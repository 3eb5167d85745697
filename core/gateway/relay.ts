/**
 * Passes a worker's answer on to the client as it comes: status, headers and body bytes unchanged.
 */
import type { ResponseHead } from "../wire/http/client.ts";
import type { Answer } from "./http-server.ts";
import { errorFrame } from "./openai-error.ts";

const LF = 0x0a;

export class Relay {
  readonly #answer: Answer;
  readonly #isEvents: boolean;
  #endsLine = true;

  /** Writes the head at once; `added` come after the worker's own headers. */
  constructor(
    answer: Answer,
    { head, added }: { head: ResponseHead; added: Readonly<Record<string, string>> },
  ) {
    this.#answer = answer;
    const { headers } = head;
    this.#isEvents = headers.get("content-type")?.startsWith("text/event-stream") === true;
    const passed = [...headers, ...Object.entries(added)].filter(([name]) => !HOP_BY_HOP.has(name));
    const isChunked = headers.has("transfer-encoding");
    answer.head(head.status, passed, isChunked ? undefined : headers.get("content-length"));
  }

  /** Bytes need to be valid during the call only. */
  data(bytes: Uint8Array): void {
    this.#endsLine = bytes[bytes.length - 1] === LF;
    this.#answer.data(bytes);
  }

  end(): void {
    this.#answer.end();
  }

  /** The worker's answer broke off. The client sees an error event in a stream, else a broken connection. */
  fail(message: string): void {
    if (!this.#isEvents) {
      this.#answer.destroy();
      return;
    }
    this.#answer.data(errorFrame(message, !this.#endsLine));
    this.#answer.end();
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
