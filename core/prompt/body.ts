/**
 * Writes the JSON body of a completion request straight as bytes. Only fields that vLLM and Dynamo
 * both take at top level are sent (Dynamo 1.6.1 answers 400 to any other; vLLM 0.32 ignores it).
 */
import { DynbenchError } from "../base/errors.ts";
import type { WireForm } from "../contract/request.ts";
import { FIRST_TOKEN_ID, LAST_TOKEN_ID } from "./tokens.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { writeWords } from "./word-table.ts";

export interface BodyOptions {
  readonly form: WireForm;
  readonly model: string;
  /** The prompt's tokens. Text and chat leave out the last ones: the tokenizer adds that many of its own. */
  readonly tokens: Uint32Array;
  readonly tokenizer: Tokenizer;
  readonly osl: number;
  /** Extra top-level fields; they replace fields of the same name. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface RequestBody {
  /** Path below the server's base path. */
  readonly path: "/v1/completions" | "/v1/chat/completions";
  readonly body: Uint8Array;
  /** See `ExchangeRequest`. */
  readonly headroom: number;
}

/** Room to leave before a body for the head of the request; heads of load and gateway take a quarter of it. */
export const HEADROOM = 2_048;

/** A streamed request for exactly `osl` tokens. Throws when the tokenizer's own tokens leave no room for words. */
export function requestBody(options: BodyOptions): RequestBody {
  const { form, tokenizer } = options;
  const promptName = form === "chat" ? "messages" : "prompt";
  const { model = options.model, [promptName]: _, ...extra } = options.extra;
  const rest: Record<string, unknown> = {
    max_tokens: options.osl,
    ignore_eos: true,
    stream: true,
    ...extra,
    stream_options: { include_usage: true, ...(extra["stream_options"] as object | undefined) },
  };
  const start = `{"model":${JSON.stringify(model)},"${promptName}":`;
  const end = `,${JSON.stringify(rest).slice(1)}`;
  const [open, close] = QUOTES[form];
  const limit =
    start.length * 3 + end.length * 3 + options.tokens.length * tokenBytes(options) + 64;
  const bytes = new Uint8Array(HEADROOM + limit);
  let at = writeText(start + open, bytes, HEADROOM);
  at =
    form === "ids"
      ? writeIds(options.tokens, bytes, at)
      : writeWords(tokenizer.words, wordsOf(options), { out: bytes, at });
  at = writeText(close + end, bytes, at);
  return {
    path: form === "chat" ? "/v1/chat/completions" : "/v1/completions",
    body: bytes.subarray(HEADROOM, at),
    headroom: HEADROOM,
  };
}

const QUOTES: Record<WireForm, readonly [string, string]> = {
  ids: ["[", "]"],
  text: ['"', '"'],
  chat: ['[{"role":"user","content":"', '"}]'],
};

/** A five-digit id with its comma, the longest that dynbench's prompts have. */
const ID_BYTES = 6;
/** An id of an answer may have up to seven digits. */
const ANY_ID_BYTES = 8;
const encoder = new TextEncoder();

function writeText(text: string, out: Uint8Array, at: number): number {
  return at + encoder.encodeInto(text, out.subarray(at)).written;
}

function tokenBytes({ form, tokenizer }: BodyOptions): number {
  return form === "ids" ? ANY_ID_BYTES : tokenizer.words.maxBytes;
}

function wordsOf({ form, tokens, tokenizer }: BodyOptions): Uint32Array {
  const overhead = form === "text" ? tokenizer.textOverhead : tokenizer.chatOverhead;
  if (overhead === undefined) throw new Error("a chat without a template");
  if (tokens.length <= overhead) {
    throw new DynbenchError(
      "plan",
      `Cannot make a ${form} prompt of ${tokens.length} tokens: the tokenizer adds ${overhead} of its own`,
      { hint: `Use longer prompts, or --prompt-form ids` },
    );
  }
  return tokens.subarray(0, tokens.length - overhead);
}

/** Prompt ids as digits, with commas between; copied from a table, because dividing is three times slower. */
function writeIds(ids: Uint32Array, out: Uint8Array, start: number): number {
  const table = digitTable();
  let at = start;
  for (const id of ids) {
    if (id < FIRST_TOKEN_ID || id > LAST_TOKEN_ID) {
      at = writeText(`${id},`, out, at);
      continue;
    }
    const from = (id - FIRST_TOKEN_ID) * ID_BYTES;
    out[at] = table[from]!;
    out[at + 1] = table[from + 1]!;
    out[at + 2] = table[from + 2]!;
    out[at + 3] = table[from + 3]!;
    out[at + 4] = table[from + 4]!;
    out[at + 5] = table[from + 5]!;
    // A four-digit id's slot ends in a filler that the next id overwrites.
    at += id < 10_000 ? ID_BYTES - 1 : ID_BYTES;
  }
  return ids.length === 0 ? at : at - 1;
}

let digits: Uint8Array | undefined;

/** `1000,_1001,_…30999,`: six bytes an id. */
function digitTable(): Uint8Array {
  if (digits !== undefined) return digits;
  const texts: string[] = [];
  for (let id = FIRST_TOKEN_ID; id <= LAST_TOKEN_ID; id += 1) {
    texts.push(`${id},`.padEnd(ID_BYTES, "_"));
  }
  digits = Buffer.from(texts.join(""), "latin1");
  return digits;
}
