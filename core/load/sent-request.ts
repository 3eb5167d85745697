/**
 * One request in flight: sends it, reads the answer as it comes, and ends with its record, whatever
 * happens. Nothing is parsed or allocated per token that the record does not keep.
 */
import { monotonicNs } from "../system/clock.ts";
import { messageOf } from "../base/errors.ts";
import { viewOf, type ByteRange } from "../wire/http/byte-range.ts";
import type { Exchange, ExchangeFailure, HttpClient, ResponseHead } from "../wire/http/client.ts";
import { SseParser } from "../wire/http/sse.ts";
import type { RequestBody } from "../prompt/body.ts";
import type { Expectation, RequestError, RequestRecord } from "../contract/record.ts";
import { Completion } from "./completion.ts";
import { errorWords } from "./error-words.ts";

export interface SentRequestOptions {
  /** The planned part of the record; the rest is filled in here. */
  readonly record: RequestRecord;
  readonly body: RequestBody;
  readonly headers: Readonly<Record<string, string>>;
  /** Zero of the record's times on the monotonic clock. */
  readonly originNs: number;
  readonly timeoutMs: number;
  /** Ids of workers by the names that answers have for them. */
  readonly workerNames: Readonly<Record<string, string>>;
  /** Gets the events of a whole answer, before `onEnd`. */
  onAnswer?(events: readonly Uint8Array[]): void;
  /** Called once, also after `stop`. */
  onEnd(record: RequestRecord): void;
}

/** The part of an error page that is read. */
const MAX_ERROR_BODY_BYTES = 65_536;
const ID_BYTES = 256;

export class SentRequest {
  readonly #options: SentRequestOptions;
  readonly #exchange: Exchange;
  readonly #completion = new Completion();
  readonly #timer: ReturnType<typeof setTimeout>;
  /** Undefined when the answer is not an event stream. */
  #sse: SseParser | undefined;
  /** Events of an answer that is to be kept. */
  readonly #kept: Uint8Array[] = [];
  #errorBody: Uint8Array[] = [];
  #errorBytes = 0;
  #contentType = "";
  #isOver = false;
  #isNamed = false;
  /** Stamp of the events being read, from the record's zero. */
  #atNs = 0;

  /** Sends at once. */
  constructor(client: HttpClient, options: SentRequestOptions) {
    this.#options = options;
    const { record, originNs } = options;
    record.startNs = monotonicNs() - originNs;
    this.#timer = setTimeout(() => this.#timedOut(), options.timeoutMs);
    this.#exchange = client.exchange(
      {
        method: "POST",
        path: options.body.path,
        headers: options.headers,
        body: options.body.body,
        headroom: options.body.headroom,
      },
      {
        sent: (atNs) => (record.sentNs = atNs - originNs),
        head: (head, atNs) => this.#head(head, atNs - originNs),
        range: (range, atNs) => this.#data(range, atNs - originNs),
        end: (atNs) => this.#finish(this.#verdict(), atNs - originNs),
        fail: (failure, atNs) => this.#fail(failure, atNs - originNs),
      },
    );
  }

  /** Ends it now as aborted. */
  stop(): void {
    if (this.#isOver) return;
    const error: RequestError = { kind: "aborted", message: "the load was stopped" };
    this.#break(error, monotonicNs() - this.#options.originNs);
  }

  #head({ status, headers }: ResponseHead, atNs: number): void {
    const { record } = this.#options;
    record.status = status;
    record.headersNs = atNs;
    const worker = WORKER_HEADERS.map((name) => headers.get(name)).find((name) => name);
    if (worker !== undefined) record.worker = worker;
    const prefillWorker = headers.get("x-dynbench-prefill-worker");
    if (prefillWorker !== undefined) record.prefillWorker = prefillWorker;
    const expected = expectationIn(headers.get("x-dynbench-expected-tokens"));
    if (expected !== undefined) record.expected = expected;
    this.#contentType = headers.get("content-type") ?? "";
    this.#mustBeOurs(headers.get("x-request-id"), atNs);
    const coding = headers.get("content-encoding") ?? "identity";
    if (coding !== "identity") {
      const message = `the answer is encoded as "${coding.slice(0, 40)}", which was not asked for`;
      this.#break({ kind: "malformed", message }, atNs);
    }
    if (status === 200 && this.#contentType.startsWith("text/event-stream")) {
      this.#sse = new SseParser();
    }
  }

  #data(range: ByteRange, atNs: number): void {
    if (this.#sse === undefined) {
      if (this.#errorBytes >= MAX_ERROR_BODY_BYTES) return;
      this.#errorBody.push(viewOf(range).slice());
      this.#errorBytes += range.end - range.from;
      return;
    }
    this.#atNs = atNs;
    try {
      this.#sse.push(range, this.#event);
    } catch (error) {
      this.#break({ kind: "malformed", message: messageOf(error) }, atNs);
      return;
    }
    if (this.#completion.isBroken) this.#break(this.#completion.error, atNs);
  }

  /** A server that names the request in its answer names this one. */
  #mustBeOurs(text: string | undefined, atNs: number): void {
    const other = otherRequest(text ?? "", this.#options.headers["x-request-id"] ?? "");
    if (other === undefined) return;
    const message = `the answer is that of another request, ${other}`;
    this.#break({ kind: "malformed", message }, atNs);
  }

  #break(error: RequestError | undefined, atNs: number): void {
    this.#exchange.abort();
    this.#finish(error, atNs);
  }

  readonly #event = (data: ByteRange): void => {
    if (this.#options.onAnswer !== undefined) this.#kept.push(viewOf(data).slice());
    // The id of a vLLM answer is that of the request; that of the first event stands for the others.
    if (!this.#isNamed) this.#mustBeOurs(startOf(data), this.#atNs);
    this.#isNamed = true;
    if (!this.#isOver) this.#completion.event(data, this.#atNs);
  };

  /** The error of an answer whose body ended cleanly; undefined for a complete answer. */
  #verdict(): RequestError | undefined {
    if (this.#sse !== undefined) return this.#completion.error;
    const words = errorWords(Buffer.concat(this.#errorBody));
    const { status } = this.#options.record;
    if (status !== 200) return { kind: "status", message: words };
    const message = `the answer is no event stream but "${this.#contentType}": ${words}`;
    return { kind: "malformed", message: message.slice(0, 500) };
  }

  #fail(failure: ExchangeFailure, atNs: number): void {
    const { record } = this.#options;
    // An error page that was cut short still explains more than the cut.
    const isTold = record.status !== undefined && record.status !== 200 && this.#errorBytes > 0;
    const frame = this.#sse === undefined ? undefined : this.#completion.error;
    this.#finish(isTold ? this.#verdict() : frame?.kind === "error-frame" ? frame : failure, atNs);
  }

  /** Workers named in the stream (Dynamo) go before those in headers. */
  #nameWorkers(): void {
    const { record, workerNames } = this.#options;
    const { worker, prefillWorker, timing } = this.#completion.routing;
    if (worker !== undefined) record.worker = workerNames[worker] ?? worker;
    if (prefillWorker !== undefined && prefillWorker !== worker) {
      record.prefillWorker = workerNames[prefillWorker] ?? prefillWorker;
      // Dynamo 1.6.1 reports the decode worker's cache then, which is not where the prompt was computed.
      delete record.cachedTokens;
    }
    if (timing !== undefined) record.routing = timing;
  }

  #timedOut(): void {
    if (this.#isOver) return;
    const message = `no complete answer within ${this.#options.timeoutMs / 1000} s`;
    this.#break({ kind: "timeout", message }, monotonicNs() - this.#options.originNs);
  }

  #finish(error: RequestError | undefined, atNs: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    const { record } = this.#options;
    record.endNs = atNs;
    if (this.#sse !== undefined) {
      Object.assign(record, this.#completion.fields());
      this.#nameWorkers();
    }
    record.state = error === undefined ? "ok" : error.kind === "aborted" ? "aborted" : "failed";
    if (error !== undefined) record.error = error;
    else this.#options.onAnswer?.(this.#kept);
    this.#options.onEnd(record);
  }
}

/** The id of another request of this load in a text; `ours` is `CELL/INDEX`. */
function otherRequest(text: string, ours: string): string | undefined {
  const stem = ours.slice(0, ours.lastIndexOf("/") + 1);
  const at = stem === "" ? -1 : text.indexOf(stem);
  if (at === -1) return undefined;
  const found = stem + /^\d*/.exec(text.slice(at + stem.length))![0];
  return found === ours ? undefined : found;
}

/** The part of an event in which its id stands. */
function startOf({ bytes, from, end }: ByteRange): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
    "latin1",
    from,
    Math.min(end, from + ID_BYTES),
  );
}

/** `1234/5678` of our gateway; anything else is another server's business. */
function expectationIn(header: string | undefined): Expectation | undefined {
  const [, tokens, bestTokens] = /^(\d{1,9})\/(\d{1,9})$/.exec(header ?? "") ?? [];
  return tokens === undefined
    ? undefined
    : { tokens: Number(tokens), bestTokens: Number(bestTokens) };
}

/** Our workers', our gateway's, SGLang's gateway's, and what an nginx is configured to send. */
const WORKER_HEADERS = [
  "x-dynbench-worker",
  "x-dynbench-routed-to",
  "x-smg-routed-worker-id",
  "x-upstream",
] as const;
