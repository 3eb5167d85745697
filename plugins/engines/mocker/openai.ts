/**
 * Requests to `/v1/completions` and `/v1/chat/completions`, read as vLLM 0.32 reads them: unknown
 * fields are ignored, null means left out, and what cannot be served is refused with 400 or 404.
 * There is no end-of-sequence token here, so an answer always has `max_tokens` tokens, cut only at
 * the context limit.
 */
import { v } from "dynbench";
import type { Tokenizer } from "dynbench/engine";
import { ApiFault } from "./api-fault.ts";
import { transferOf, transferParams, type KvTransfer } from "./kv-transfer.ts";

export type Endpoint = "completions" | "chat";

export interface GenerationRequest {
  readonly endpoint: Endpoint;
  readonly prompt: Uint32Array;
  readonly osl: number;
  readonly stream: boolean;
  /** A last chunk with the usage; `continuous` puts it into every chunk. */
  readonly usage: "none" | "final" | "continuous";
  readonly returnTokenIds: boolean;
  readonly transfer?: KvTransfer | undefined;
  /** Higher is served earlier. */
  readonly priority: number;
}

/** `max_tokens` of a completion without one (vLLM). */
const DEFAULT_COMPLETION_TOKENS = 16;
/** Of a chat without one: vLLM fills the context until the model stops; this one never would. */
const DEFAULT_CHAT_TOKENS = 128;
/** Ids from here on are no tokens: the vocabulary of Llama 3.1. */
const VOCABULARY = 128_256;

const count = v.nullish(v.pipe(v.number(), v.integer()));
const flag = v.optional(v.nullable(v.boolean(), false), false);

const common = {
  model: v.nullish(v.string()),
  max_tokens: count,
  min_tokens: count,
  n: count,
  stream: flag,
  stream_options: v.nullish(v.looseObject({ include_usage: flag, continuous_usage_stats: flag })),
  return_token_ids: flag,
  priority: count,
  kv_transfer_params: transferParams,
};
const completionBody = v.looseObject({ ...common, prompt: v.unknown() });
const chatBody = v.looseObject({
  ...common,
  max_completion_tokens: count,
  messages: v.pipe(
    v.array(
      v.looseObject({
        role: v.string(),
        content: v.nullish(
          v.union([v.string(), v.array(v.looseObject({ text: v.optional(v.string(), "") }))]),
        ),
      }),
    ),
    v.minLength(1),
  ),
});

/** Throws `ApiFault` for what cannot be served. */
export function parseGeneration(
  endpoint: Endpoint,
  body: unknown,
  serving: Serving & { readonly model: string },
): GenerationRequest {
  const { fields, prompt, maxTokens } =
    endpoint === "completions" ? completionOf(body, serving) : chatOf(body, serving);
  checkModel(fields.model, serving.model);
  if (prompt.length === 0) {
    throw new ApiFault("The decoder prompt cannot be empty", { param: "prompt" });
  }
  const room = serving.maxModelLen - prompt.length;
  if (room < 1) throw tooLong(prompt.length, serving.maxModelLen);
  if (maxTokens < 1) {
    throw new ApiFault(`max_tokens must be at least 1, got ${maxTokens}.`, { param: "max_tokens" });
  }
  if ((fields.min_tokens ?? 0) > maxTokens) {
    throw new ApiFault(
      `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${fields.min_tokens}.`,
      { param: "min_tokens" },
    );
  }
  if ((fields.n ?? 1) !== 1) {
    throw new ApiFault("This server makes one answer a request: n must be 1.", { param: "n" });
  }
  const streamOptions = fields.stream_options;
  const wantsUsage = streamOptions?.include_usage === true;
  return {
    endpoint,
    prompt,
    osl: Math.min(maxTokens, room),
    stream: fields.stream,
    usage: !wantsUsage ? "none" : streamOptions.continuous_usage_stats ? "continuous" : "final",
    returnTokenIds: fields.return_token_ids,
    transfer: transferOf(fields.kv_transfer_params),
    priority: 0 - (fields.priority ?? 0), // on the wire lower is earlier, as vLLM reads it
  };
}

/** 404 for a model that is not served; a request without one gets the one that is. */
export function checkModel(asked: string | null | undefined, served: string): void {
  if (asked === undefined || asked === null || asked === served) return;
  throw new ApiFault(`The model \`${asked}\` does not exist.`, { status: 404, param: "model" });
}

function tooLong(isl: number, maxModelLen: number): ApiFault {
  return new ApiFault(
    `This model's maximum context length is ${maxModelLen} tokens. However, your prompt contains ` +
      `at least ${isl} input tokens. Please reduce the length of the input prompt.`,
    { param: "input_tokens" },
  );
}

/** No tokenizer has longer tokens. */
const MAX_TOKEN_CHARACTERS = 512;

interface Serving {
  readonly maxModelLen: number;
  readonly tokenizer: Tokenizer;
}

/** A text far beyond the context is refused before it is tokenised, which would hold up all others. */
function mustFit(texts: readonly string[], maxModelLen: number): void {
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  const least = Math.ceil(characters / MAX_TOKEN_CHARACTERS);
  if (least > maxModelLen) throw tooLong(least, maxModelLen);
}

function completionOf(body: unknown, { maxModelLen, tokenizer }: Serving) {
  const fields = fieldsOf(completionBody, body);
  const text = Array.isArray(fields.prompt) ? (fields.prompt[0] as unknown) : fields.prompt;
  if (typeof text === "string") mustFit([text], maxModelLen);
  return {
    fields,
    prompt: promptTokens(fields.prompt, tokenizer),
    maxTokens: fields.max_tokens ?? DEFAULT_COMPLETION_TOKENS,
  };
}

function chatOf(body: unknown, { maxModelLen, tokenizer }: Serving) {
  const fields = fieldsOf(chatBody, body);
  mustFit(
    fields.messages.map((message) => textMessage(message).content),
    maxModelLen,
  );
  return {
    fields,
    prompt: chatTokens(fields.messages, tokenizer),
    maxTokens: fields.max_completion_tokens ?? fields.max_tokens ?? DEFAULT_CHAT_TOKENS,
  };
}

/** Whether the request's prompt must be tokenised. */
export function hasText(body: unknown): boolean {
  if (typeof body !== "object" || body === null) return false;
  if ("messages" in body) return true;
  const prompt: unknown = "prompt" in body ? body.prompt : undefined;
  return typeof (Array.isArray(prompt) ? prompt[0] : prompt) === "string";
}

/** A chat in the tokenizer's template; 400 with the template's error. */
export function chatTokens(
  messages: v.InferOutput<typeof chatBody>["messages"],
  tokenizer: Tokenizer,
): Uint32Array {
  try {
    return tokenizer.encodeChat(messages.map(textMessage));
  } catch (error) {
    throw new ApiFault(error instanceof Error ? error.message : String(error), {
      param: "messages",
    });
  }
}

function textMessage({ role, content }: v.InferOutput<typeof chatBody>["messages"][number]) {
  const text =
    typeof content === "string" ? content : (content ?? []).map((part) => part.text).join("\n");
  return { role, content: text };
}

/** Text, one sequence of ids, or a batch of one of either. */
export function promptTokens(prompt: unknown, tokenizer: Tokenizer): Uint32Array {
  if (typeof prompt === "string") return tokenizer.encode(prompt);
  if (!Array.isArray(prompt)) {
    throw new ApiFault("prompt: expected a string or an array of token ids", { param: "prompt" });
  }
  const [first] = prompt as unknown[];
  if (typeof first === "string" || Array.isArray(first)) {
    if (prompt.length === 1) return promptTokens(first, tokenizer);
    throw new ApiFault("This server takes one prompt a request.", { param: "prompt" });
  }
  const ids = new Uint32Array(prompt.length);
  for (let i = 0; i < ids.length; i += 1) {
    const id: unknown = prompt[i];
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0) {
      throw new ApiFault(`prompt.${i}: Input should be a valid integer`, { param: "prompt" });
    }
    if (id >= VOCABULARY) throw new ApiFault(`Token id ${id} is out of vocabulary`);
    ids[i] = id;
  }
  return ids;
}

/** `body` in the form of the schema, or 400 with the first fault. */
export function fieldsOf<Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
): v.InferOutput<Schema> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiFault("body: Input should be a valid dictionary");
  }
  const parsed = v.safeParse(schema, body, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = v.getDotPath(issue) ?? "body";
  const words = issue.received === "undefined" ? "Field required" : issue.message;
  throw new ApiFault(`${path}: ${words}`, { param: path.split(".")[0]! });
}
