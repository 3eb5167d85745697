/**
 * One streamed completion as its client sees it: which events carried tokens, how many and when, what
 * the server counted, and whether the stream ended as it should. Pure: events and stamps go in.
 *
 * Token counts. A chunk shows how many tokens it carries only through `token_ids` (vLLM
 * `return_token_ids`) or a running `usage` (vLLM `continuous_usage_stats`); otherwise it counts as
 * one, and the total is that of the final usage. An event that carries only `finish_reason` is no
 * token in Dynamo 1.6.1, which sends it after the last token; in vLLM 0.32 the last token's event
 * carries it, and its text may be empty. Usage distinguishes the two.
 */
import { viewOf, type ByteRange } from "../wire/http/byte-range.ts";
import type { RequestError, RequestRecord } from "../contract/record.ts";
import { errorWords } from "./error-words.ts";
import { hasNvext, readNvext, type Routing } from "./nvext.ts";

interface Usage {
  prompt_tokens?: number | null;
  completion_tokens?: number | null;
  prompt_tokens_details?: { cached_tokens?: number | null } | null;
}

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
  usage?: Usage | null;
  error?: unknown;
}

type TokenFields = Pick<
  RequestRecord,
  | "firstTokenNs"
  | "lastTokenNs"
  | "gapsNs"
  | "tokens"
  | "firstTokens"
  | "osl"
  | "promptTokens"
  | "cachedTokens"
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
  #usage: Usage | undefined;
  #isFinished = false;
  #error: RequestError | undefined;
  readonly #template = new PlainEvent();
  /** Who served it, where the stream names them (Dynamo). */
  readonly routing: Routing = {};

  /** Takes the data of one event. `atNs` counts from wherever the record's times do. */
  event(data: ByteRange, atNs: number): void {
    if (this.#error !== undefined) return;
    if (this.#template.matches(data) || this.#learn(data)) this.#token(1, atNs);
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
    if (Number.isNaN(this.#firstTokenNs) && Number.isNaN(this.#emptyFinishNs)) {
      return { kind: "stream", message: "the stream ended without any token" };
    }
    return undefined;
  }

  /** The fields of the record that come from the stream; also of a stream that broke. */
  fields(): TokenFields {
    this.#reconcile();
    const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = this.#usage ?? {};
    const cachedTokens = this.#usage?.prompt_tokens_details?.cached_tokens;
    return {
      ...(Number.isNaN(this.#firstTokenNs)
        ? {}
        : {
            firstTokenNs: this.#firstTokenNs,
            lastTokenNs: this.#lastTokenNs,
            gapsNs: this.#gapsNs,
          }),
      ...(this.#tokens === undefined ? {} : { tokens: this.#tokens }),
      ...(this.#firstTokens > 1 ? { firstTokens: this.#firstTokens } : {}),
      osl: completionTokens ?? this.#counted,
      ...(typeof promptTokens === "number" ? { promptTokens } : {}),
      ...(typeof cachedTokens === "number" ? { cachedTokens } : {}),
    };
  }

  /** A plain token's event; the first that names a worker is read for it. */
  #learn(data: ByteRange): boolean {
    if (!this.#template.learn(data)) return false;
    if (this.routing.worker === undefined) readNvext(latin1(viewOf(data)), this.routing);
    return true;
  }

  #parsed(data: Uint8Array, atNs: number): void {
    let chunk: Chunk;
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
    const choice = chunk.choices?.[0];
    if (choice !== undefined) this.#choice(choice, chunk.usage, atNs);
    if (chunk.usage !== undefined && chunk.usage !== null) this.#usage = chunk.usage;
  }

  #choice(choice: Choice, usage: Usage | null | undefined, atNs: number): void {
    const hasEnded = typeof choice.finish_reason === "string";
    if (hasEnded) this.#isFinished = true;
    const running = usage?.completion_tokens;
    if (typeof running === "number") this.#token(running - this.#counted, atNs);
    else if (Array.isArray(choice.token_ids)) this.#token(choice.token_ids.length, atNs);
    else if (hasText(choice)) this.#token(1, atNs);
    else if (hasEnded) this.#emptyFinishNs = atNs;
    // Neither text nor end: a token that decodes to nothing, unless it only opens a chat message.
    else if (typeof choice.delta?.role !== "string") this.#token(1, atNs);
  }

  #token(count: number, atNs: number): void {
    if (count <= 0) return;
    this.#counted += count;
    if (Number.isNaN(this.#firstTokenNs)) {
      this.#firstTokenNs = atNs;
      this.#firstTokens = count;
    } else {
      if (count !== 1) this.#tokens ??= this.#gapsNs.map(() => 1);
      this.#gapsNs.push(atNs - this.#lastTokenNs);
      this.#tokens?.push(count);
    }
    this.#lastTokenNs = atNs;
  }

  /** A last token without text came with the finish reason, if the server counted one more than we saw. */
  #reconcile(): void {
    const total = this.#usage?.completion_tokens;
    const wasToken = typeof total === "number" && total > this.#counted;
    if (wasToken && !Number.isNaN(this.#emptyFinishNs)) this.#token(1, this.#emptyFinishNs);
    this.#emptyFinishNs = Number.NaN;
  }
}

/**
 * Recognises the events that surely are one token's and hold nothing else of interest, without parsing:
 * parsing each of 50,000 events a second would cost as much as receiving them. A stream's token events
 * differ only in their text, so the first one is looked at closely and the others are compared with it.
 */
class PlainEvent {
  #bytes = new Uint8Array(0);
  #textStart = 0;
  /** Bytes from the quote that closes the text to the end. */
  #tailLength = 0;

  /** True when the event is the learnt one with another text, free of quotes and escapes. */
  matches({ bytes, from, end }: ByteRange): boolean {
    const learnt = this.#bytes;
    const textStart = from + this.#textStart;
    const textEnd = end - this.#tailLength;
    if (this.#textStart === 0 || textEnd <= textStart) return false;
    for (let i = 0; i < this.#textStart; i += 1) {
      if (bytes[from + i] !== learnt[i]) return false;
    }
    for (let i = textStart; i < textEnd; i += 1) {
      if (bytes[i] === QUOTE || bytes[i] === BACKSLASH) return false;
    }
    const shift = learnt.length - end;
    for (let i = textEnd; i < end; i += 1) {
      if (bytes[i] !== learnt[i + shift]) return false;
    }
    return true;
  }

  /** Looks at an event closely; remembers it and returns true when it is a plain token's. */
  learn(range: ByteRange): boolean {
    const data = viewOf(range);
    const text = latin1(data);
    if (!isPlainToken(text)) return false;
    const { 0: key, index } = /"(?:text|content)":"/.exec(text)!;
    const textStart = index + key.length;
    const value = /^(?:[^"\\]|\\.)*/.exec(text.slice(textStart))![0];
    this.#bytes = data.slice();
    this.#textStart = textStart;
    this.#tailLength = data.length - textStart - value.length;
    return true;
  }
}

const QUOTE = 34;
const BACKSLASH = 92;

function isDone(data: ByteRange): boolean {
  return data.end - data.from === DONE.length && latin1(viewOf(data)) === DONE;
}

/**
 * A quote inside a JSON string is always escaped, so `"name":` can only be a key. In doubt false, and
 * the event is parsed.
 */
function isPlainToken(text: string): boolean {
  return (
    hasKey(text, '"choices":', "[{") &&
    (hasContent(text, '"text":"') || hasContent(text, '"content":"')) &&
    isMissingOrNull(text, '"finish_reason":') &&
    isMissingOrNull(text, '"usage":') &&
    isMissingOrNull(text, '"token_ids":') &&
    !text.includes('"error"') &&
    text.endsWith("}")
  );
}

function hasKey(text: string, key: string, value: string): boolean {
  const at = text.indexOf(key);
  return at !== -1 && text.startsWith(value, at + key.length);
}

function hasContent(text: string, keyAndQuote: string): boolean {
  const at = text.indexOf(keyAndQuote);
  return at !== -1 && text[at + keyAndQuote.length] !== '"';
}

function isMissingOrNull(text: string, key: string): boolean {
  const at = text.indexOf(key);
  return at === -1 || text.startsWith("null", at + key.length);
}

function hasText({ text, delta }: Choice): boolean {
  return Boolean(text || delta?.content || delta?.reasoning_content || delta?.reasoning);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
