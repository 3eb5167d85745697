/**
 * The events of the null server's answers, as the bytes that are written: vLLM 0.32's chunk shapes,
 * one HTTP chunk an event. Equal events share their bytes, so an event costs one write.
 */
import type { NullRequest } from "./null-request.ts";

export interface NullServerOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  ttftMs: number;
  itlMs: number;
  /** Tokens per event. */
  batch: number;
  /** Status of every answer; other than 200 with an OpenAI error body. */
  status: number;
  /** Every n-th request is answered with 500; 0: none. */
  failEvery: number;
  /** Close the connection after so many events; 0: never. */
  cutAfter: number;
  /** Send an error frame in place of the event after so many; −1: never. */
  errorFrameAfter: number;
  /** Send something that is no JSON in place of the event after so many; −1: never. */
  malformedAfter: number;
  /** Stop in silence after so many events, leaving the connection open; −1: never. */
  silentAfter: number;
  /** Close each connection after its answer. */
  close: boolean;
}

export const NULL_SERVER_DEFAULTS: NullServerOptions = {
  host: "127.0.0.1",
  port: 0,
  ttftMs: 200,
  itlMs: 20,
  batch: 1,
  status: 200,
  failEvery: 0,
  cutAfter: 0,
  errorFrameAfter: -1,
  malformedAfter: -1,
  silentAfter: -1,
  close: false,
};

export interface NullEvent {
  readonly bytes: Uint8Array;
  readonly hasTokens: boolean;
  /** Nothing comes after it: the connection closes, or stays open in silence. */
  readonly then?: "close" | "silence";
}

/** All events of one answer, head and end included in the first and the last. */
export function nullEvents(request: NullRequest, options: NullServerOptions): NullEvent[] {
  const { batch } = options;
  const count = Math.max(1, Math.ceil(request.maxTokens / batch));
  const shape = request.isChat ? CHAT : TEXT;
  const events: NullEvent[] = [];
  for (let i = 0; i < count; i += 1) {
    const isLast = i === count - 1;
    const tokens = isLast ? Math.max(1, request.maxTokens - batch * i) : batch;
    const event = oneEvent(i, { isLast, tokens, request, options, shape });
    events.push(i === 0 ? { ...event, bytes: Buffer.concat([HEAD, event.bytes]) } : event);
    if (event.then !== undefined) return events;
  }
  if (options.cutAfter === count)
    return [...events.slice(0, -1), { ...events.at(-1)!, then: "close" }];
  return events;
}

interface EventDetails {
  isLast: boolean;
  tokens: number;
  request: NullRequest;
  options: NullServerOptions;
  shape: Shape;
}

function oneEvent(index: number, details: EventDetails): NullEvent {
  const { options, request, shape, tokens } = details;
  if (index === options.errorFrameAfter) {
    const error = {
      message: "the null server is set to fail here",
      type: "NullError",
      code: 500,
    };
    return {
      bytes: ended([JSON.stringify({ error }), "[DONE]"]),
      hasTokens: false,
      then: "silence",
    };
  }
  if (index === options.malformedAfter) {
    return { bytes: framed('data: {"choices":[{"te\n\n'), hasTokens: false, then: "silence" };
  }
  if (index === options.silentAfter) {
    return { bytes: new Uint8Array(0), hasTokens: false, then: "silence" };
  }
  if (details.isLast) {
    const bytes = ended([shape(tokens, "length"), usageChunk(request), "[DONE]"]);
    return { bytes, hasTokens: true };
  }
  const bytes = plainEvent(shape, tokens);
  return index + 1 === options.cutAfter
    ? { bytes, hasTokens: true, then: "close" }
    : { bytes, hasTokens: true };
}

type Shape = (tokens: number, finish: string | null) => string;

const TEXT: Shape = (tokens, finish_reason) =>
  chunk("text_completion", {
    index: 0,
    text: " baban".repeat(tokens),
    logprobs: null,
    finish_reason,
  });

const CHAT: Shape = (tokens, finish_reason) =>
  chunk("chat.completion.chunk", {
    index: 0,
    delta: { content: " baban".repeat(tokens) },
    logprobs: null,
    finish_reason,
  });

const HEAD = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
    "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n",
);

/** Events between the first and the last are all alike. */
const plain = new Map<Shape, Map<number, Uint8Array>>();

function plainEvent(shape: Shape, tokens: number): Uint8Array {
  const known = plain.get(shape)?.get(tokens);
  if (known !== undefined) return known;
  const bytes = framed(`data: ${shape(tokens, null)}\n\n`);
  plain.set(shape, (plain.get(shape) ?? new Map()).set(tokens, bytes));
  return bytes;
}

function chunk(object: string, choice: object): string {
  return JSON.stringify({ id: "cmpl-0", object, created: 0, model: "null", choices: [choice] });
}

function usageChunk({ promptTokens, maxTokens }: NullRequest): string {
  const completionTokens = Math.max(1, maxTokens);
  return JSON.stringify({
    id: "cmpl-0",
    object: "text_completion",
    created: 0,
    model: "null",
    choices: [],
    usage: {
      prompt_tokens: promptTokens,
      total_tokens: promptTokens + completionTokens,
      completion_tokens: completionTokens,
      prompt_tokens_details: { cached_tokens: 0 },
    },
  });
}

function framed(text: string): Uint8Array {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

/** Several events in one HTTP chunk, and the end of the body. */
function ended(datas: readonly string[]): Uint8Array {
  const text = datas.map((data) => `data: ${data}\n\n`).join("");
  return Buffer.concat([framed(text), Buffer.from("0\r\n\r\n")]);
}
