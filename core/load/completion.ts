/**
 * One streamed completion as its client sees it: which events carried tokens, how many and when, what
 * the server counted, and whether the stream ended as it should. Pure: events and stamps go in.
 *
 * Token counts. A chunk shows how many tokens it carries only through `token_ids` (vLLM
 * `return_token_ids`) or a running `usage` (vLLM `continuous_usage_stats`); otherwise it counts as
 * one, and the total is that of the final usage. An event that carries only `finish_reason` is no
 * token in Dynamo 1.6.1, which sends it after the last token; in vLLM 0.32 the last token's event
 * carries it, and its text may be empty. Usage distinguishes the two.
 *
 * The first token is that of the first chunk with content: a server may open its stream with empty or
 * blank text long before it has computed anything. Chunks before it count as tokens that came with it,
 * unless the usage shows that they were none.
 */
import { isUtf8 } from "node:buffer";
import { viewOf, type ByteRange } from "../wire/http/byte-range.ts";
import { given } from "../base/given.ts";
import type { RequestError, RequestRecord } from "../contract/record.ts";
import { errorWords } from "./error-words.ts";
import { hasNvext, readNvext, type Routing } from "./nvext.ts";
import { PlainEvent } from "./plain-event.ts";
import { readUsage, type Usage } from "./usage.ts";

interface Delta {
  role?: string | null;
  content?: string | null;
  reasoning?: string | null;
  reasoning_content?: string | null;
}

interface Choice {
  text?: string | null;
  delta?: Delta | null;
  finish_reason?: string | null;
  token_ids?: readonly number[] | null;
}

interface Chunk {
  choices?: readonly Choice[] | null;
  usage?: unknown;
  error?: unknown;
}

type TokenFields = Pick<
  RequestRecord,
  | "firstChunkNs"
  | "firstTokenNs"
  | "lastTokenNs"
  | "gapsNs"
  | "tokens"
  | "firstTokens"
  | "osl"
  | "promptTokens"
  | "cachedTokens"
  | "usageFault"
  | "textBytes"
>;

const DONE = "[DONE]";

export class Completion {
  #firstTokenNs = Number.NaN;
  #lastTokenNs = Number.NaN;
  #firstTokens = 0;
  readonly #gapsNs: number[] = [];
  /** Tokens per chunk after the first; made only once a chunk carries other than one. */
  #tokens: number[] | undefined;
  #counted = 0;
  /** Stamp of an event with a finish reason and nothing else. */
  #emptyFinishNs = Number.NaN;
  /** Stamps of the chunks before the first with content, and the tokens of each. */
  #blank: { atNs: number; count: number }[] = [];
  #blankTokens = 0;
  #firstChunkNs = Number.NaN;
  #textBytes = 0;
  #usage: Usage = {};
  #usageFault: string | undefined;
  #isFinished = false;
  #error: RequestError | undefined;
  readonly #template = new PlainEvent();
  /** Who served it, where the stream names them (Dynamo). */
  readonly routing: Routing = {};

  /** Takes the data of one event. `atNs` counts from wherever the record's times do. */
  event(data: ByteRange, atNs: number): void {
    if (this.#error !== undefined) return;
    if (this.#template.matches(data) || this.#learn(data)) this.#plain(data, atNs);
    else if (isDone(data)) this.#isFinished = true;
    else this.#parsed(viewOf(data), atNs);
  }

  /** True once the stream has declared its end. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** True once an event could not be read, after which nothing is to be expected. */
  get isBroken(): boolean {
    return this.#error?.kind === "malformed";
  }

  /** Why the stream is not a good answer; undefined when it is. Ask after its end. */
  get error(): RequestError | undefined {
    if (this.#error !== undefined) return this.#error;
    if (!this.#isFinished) {
      return { kind: "stream", message: "the stream ended without finish_reason or [DONE]" };
    }
    const hasToken = !Number.isNaN(this.#firstTokenNs) || this.#blank.length > 0;
    if (!hasToken && Number.isNaN(this.#emptyFinishNs)) {
      return { kind: "stream", message: "the stream ended without any token" };
    }
    return undefined;
  }

  /** The fields of the record that come from the stream; also of a stream that broke. */
  fields(): TokenFields {
    this.#reconcile();
    const { promptTokens, completionTokens, cachedTokens } = this.#usage;
    const hasMore = completionTokens !== undefined && completionTokens > this.#counted;
    return {
      ...(Number.isNaN(this.#firstTokenNs)
        ? {}
        : {
            firstTokenNs: this.#firstTokenNs,
            lastTokenNs: this.#lastTokenNs,
            gapsNs: this.#gapsNs,
          }),
      ...(Number.isNaN(this.#firstChunkNs) ? {} : { firstChunkNs: this.#firstChunkNs }),
      ...(this.#tokens === undefined ? {} : { tokens: this.#tokens }),
      ...(this.#firstTokens > 1 ? { firstTokens: this.#firstTokens } : {}),
      osl: completionTokens ?? this.#counted,
      ...(hasMore ? { textBytes: this.#textBytes } : {}),
      ...given({ promptTokens, cachedTokens, usageFault: this.#usageFault }),
    };
  }

  #plain(data: ByteRange, atNs: number): void {
    const template = this.#template;
    this.#textBytes += template.textBytes;
    const isBlank = Number.isNaN(this.#firstTokenNs) && template.isBlank(data);
    if (isBlank) this.#blankChunk(1, atNs);
    else this.#token(1, atNs);
  }

  /** A plain token's event; the first that names a worker is read for it. */
  #learn(data: ByteRange): boolean {
    if (!this.#template.learn(data)) return false;
    if (this.routing.worker === undefined) readNvext(latin1(viewOf(data)), this.routing);
    return true;
  }

  #parsed(data: Uint8Array, atNs: number): void {
    let chunk: Chunk;
    if (!isUtf8(data)) {
      this.#error = { kind: "malformed", message: `an event is not UTF-8: ${errorWords(data)}` };
      return;
    }
    try {
      const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString();
      chunk = JSON.parse(text);
      if (hasNvext(text)) readNvext(text, this.routing);
      if (typeof chunk !== "object" || chunk === null) throw new Error("not an object");
    } catch {
      const start = errorWords(data);
      this.#error = { kind: "malformed", message: `an event is not a JSON object: ${start}` };
      return;
    }
    if (chunk.error !== undefined && chunk.error !== null) {
      this.#error = { kind: "error-frame", message: errorWords(data) };
      return;
    }
    const { usage, fault } = readUsage(chunk.usage);
    this.#usageFault ??= fault;
    const choice = chunk.choices?.[0];
    if (choice !== undefined && choice !== null) this.#choice(choice, usage, atNs);
    if (usage !== undefined) this.#usage = usage;
  }

  #choice(choice: Choice, usage: Usage | undefined, atNs: number): void {
    const hasEnded = typeof choice.finish_reason === "string";
    if (hasEnded) this.#isFinished = true;
    const text = textOf(choice);
    this.#textBytes += Buffer.byteLength(text);
    const running = usage?.completionTokens;
    if (running !== undefined) this.#token(running - this.#counted, atNs);
    else if (Array.isArray(choice.token_ids)) this.#token(choice.token_ids.length, atNs);
    else if (text.trim() !== "") this.#token(1, atNs);
    else if (text === "" && hasEnded) this.#emptyFinishNs = atNs;
    // Blank, or neither text nor end: a token that decodes to that, unless it only opens a chat message.
    else if (text !== "" || typeof choice.delta?.role !== "string") this.#blankChunk(1, atNs);
  }

  /** Without content: a token like any other, once there was one with content. */
  #blankChunk(count: number, atNs: number): void {
    if (!Number.isNaN(this.#firstTokenNs)) return this.#token(count, atNs);
    this.#blank.push({ atNs, count });
    this.#counted += count;
  }

  /** Chunks without content came before the first with content, or were all that came. */
  #takeBlank(hasContent: boolean): void {
    const blank = this.#blank;
    if (blank.length === 0) return;
    this.#blank = [];
    const tokens = blank.reduce((sum, { count }) => sum + count, 0);
    if (hasContent) {
      this.#firstChunkNs = blank[0]!.atNs;
      this.#blankTokens = tokens;
      return;
    }
    this.#counted -= tokens;
    for (const { count, atNs } of blank) this.#token(count, atNs);
  }

  #token(count: number, atNs: number): void {
    if (count <= 0) return;
    if (Number.isNaN(this.#firstTokenNs)) {
      this.#takeBlank(true);
      this.#firstTokenNs = atNs;
      this.#firstTokens = count + this.#blankTokens;
    } else {
      if (count !== 1) this.#tokens ??= this.#gapsNs.map(() => 1);
      this.#gapsNs.push(atNs - this.#lastTokenNs);
      this.#tokens?.push(count);
    }
    this.#counted += count;
    this.#lastTokenNs = atNs;
  }

  /** A last token without text came with the finish reason, if the server counted one more than we saw. */
  #reconcile(): void {
    const total = this.#usage.completionTokens;
    if (Number.isNaN(this.#firstTokenNs)) this.#takeBlank(false);
    const wasToken = total !== undefined && total > this.#counted;
    if (wasToken && !Number.isNaN(this.#emptyFinishNs)) this.#token(1, this.#emptyFinishNs);
    this.#emptyFinishNs = Number.NaN;
    // More chunks than tokens: those that opened the stream were none.
    const extra = total === undefined ? 0 : this.#counted - total;
    const unfounded = Math.min(this.#blankTokens, Math.max(0, extra));
    this.#firstTokens -= unfounded;
    this.#blankTokens -= unfounded;
    this.#counted -= unfounded;
  }
}

function isDone(data: ByteRange): boolean {
  return data.end - data.from === DONE.length && latin1(viewOf(data)) === DONE;
}

function textOf({ text, delta }: Choice): string {
  const found = text || delta?.content || delta?.reasoning_content || delta?.reasoning;
  return typeof found === "string" ? found : "";
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
