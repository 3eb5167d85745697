/**
 * Answers in the shapes of vLLM 0.32, as text. A stream writes one chunk a token, so everything in a
 * chunk that is the same for a whole answer is put together once, and the JSON of each word once for
 * all answers.
 */
import type { Tokenizer } from "dynbench/engine";
import type { GenerationRequest } from "./openai.ts";
import type { TokenSequence } from "./token-sequences.ts";

/** The fields of an answer that identify it. */
export interface AnswerIdentity {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
}

export interface Answer extends AnswerIdentity {
  readonly request: Pick<GenerationRequest, "endpoint" | "usage" | "returnTokenIds">;
  readonly sequence: TokenSequence;
  readonly tokenizer: Tokenizer;
}

/** Also the version that `/version` reports. */
export const VLLM_VERSION = "0.32.0";
const FINGERPRINT = `"vllm-${VLLM_VERSION}-dynbench"`;

/** Writes the events of one stream. */
export interface ChunkWriter {
  /** Events of answer tokens `from` to `from + count − 1`, one each; after the last, also how the stream ends. */
  events(from: number, count: number, cachedTokens: number): string;
}

export function chunkWriter(answer: Answer): ChunkWriter {
  const { endpoint, usage, returnTokenIds } = answer.request;
  const { tokens, isl } = answer.sequence;
  const osl = tokens.length - isl;
  const isChat = endpoint === "chat";
  const head =
    `data: {"id":"${answer.id}","object":"${isChat ? "chat.completion.chunk" : "text_completion"}",` +
    `"created":${answer.created},"model":${JSON.stringify(answer.model)},"choices":[`;
  const open = isChat ? '{"index":0,"delta":{"content":' : '{"index":0,"text":';

  const chunk = (position: number, cachedTokens: number): string => {
    const isLast = position === osl - 1;
    const id = tokens[isl + position]!;
    const ids = returnTokenIds ? `[${id}]` : "null";
    const reason = isLast ? '"length"' : "null";
    // With `return_token_ids` the first chunk repeats the whole prompt.
    const promptIds = returnTokenIds && position === 0 ? promptIdsOf(answer.sequence) : "null";
    const choice = isChat
      ? `},"logprobs":null,"finish_reason":${reason},"token_ids":${ids}}]`
      : `,"logprobs":null,"finish_reason":${reason},"stop_reason":null,` +
        `"prompt_token_ids":${promptIds},"token_ids":${ids}}]`;
    const counted =
      usage === "continuous" ? `,"usage":${usageText(answer.sequence, position + 1)}` : "";
    // Without a usage chunk the last chunk carries the fingerprint.
    const print = isLast && usage === "none" ? `,"system_fingerprint":${FINGERPRINT}` : "";
    const text =
      head +
      open +
      wordJson(answer.tokenizer, id, isChat && position === 0) +
      choice +
      counted +
      print +
      "}\n\n";
    return isLast ? text + ending(cachedTokens) : text;
  };
  const ending = (cachedTokens: number): string => {
    if (usage === "none") return "data: [DONE]\n\n";
    const total = usageText(answer.sequence, osl, cachedTokens);
    return `${head}],"usage":${total},"system_fingerprint":${FINGERPRINT}}\n\ndata: [DONE]\n\n`;
  };

  return {
    events: (from, count, cachedTokens) => {
      let text = from === 0 && isChat ? roleChunk(head, answer) : "";
      for (let i = from; i < from + count; i += 1) text += chunk(i, cachedTokens);
      return text;
    },
  };
}

/** A whole answer, for requests that do not stream; `more` are members of its own. */
export function wholeAnswer(
  answer: Answer,
  cachedTokens: number,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const { sequence, request } = answer;
  const ids = sequence.tokens.subarray(sequence.isl);
  const text = Array.from(ids, (id) => wordOf(answer.tokenizer, id)).join(" ");
  const tokenIds = request.returnTokenIds ? [...ids] : null;
  const isChat = request.endpoint === "chat";
  const choice = isChat
    ? { index: 0, message: { role: "assistant", content: text, refusal: null, tool_calls: [] } }
    : { index: 0, text: ` ${text}` };
  return {
    id: answer.id,
    object: isChat ? "chat.completion" : "text_completion",
    created: answer.created,
    model: answer.model,
    choices: [
      {
        ...choice,
        logprobs: null,
        finish_reason: "length",
        stop_reason: null,
        token_ids: tokenIds,
      },
    ],
    service_tier: null,
    system_fingerprint: `vllm-${VLLM_VERSION}-dynbench`,
    usage: JSON.parse(usageText(sequence, ids.length, cachedTokens)) as unknown,
    ...more,
  };
}

/** vLLM opens a chat stream with the role, together with the first token. */
function roleChunk(head: string, { request, sequence }: Answer): string {
  const promptIds = request.returnTokenIds ? promptIdsOf(sequence) : "null";
  return (
    `${head}{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,` +
    `"finish_reason":null}],"prompt_token_ids":${promptIds}}\n\n`
  );
}

function usageText({ isl }: TokenSequence, made: number, cachedTokens?: number): string {
  const details =
    cachedTokens === undefined ? "" : `,"prompt_tokens_details":{"cached_tokens":${cachedTokens}}`;
  return `{"prompt_tokens":${isl},"total_tokens":${isl + made},"completion_tokens":${made}${details}}`;
}

function promptIdsOf({ tokens, isl }: TokenSequence): string {
  return `[${tokens.subarray(0, isl).join(",")}]`;
}

/** JSON strings of a tokenizer's words by id, first without, then with the space before: made when first used. */
const wordJsons = new WeakMap<Tokenizer, [string[], string[]]>();

/** The word's text as it joins what came before: with a space, except where a chat's answer begins. */
function wordJson(tokenizer: Tokenizer, id: number, opensChat: boolean): string {
  let both = wordJsons.get(tokenizer);
  if (both === undefined) wordJsons.set(tokenizer, (both = [[], []]));
  const known = both[opensChat ? 0 : 1];
  return (known[id] ??= JSON.stringify(`${opensChat ? "" : " "}${wordOf(tokenizer, id)}`));
}

/** Tokenizers differ in whether a single word's text has a space before it. */
function wordOf(tokenizer: Tokenizer, id: number): string {
  return tokenizer.decode([id]).trim();
}
