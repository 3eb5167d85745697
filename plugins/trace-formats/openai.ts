/**
 * Logs of OpenAI requests, one body a line: `messages`, or `prompt` as text or token ids. The length of the
 * answer is `usage.completion_tokens`, else `max_completion_tokens`, `max_tokens` or
 * `output_tokens`. `timestamp` in milliseconds and `session_id` are optional.
 * Without a tokenizer the length of a text is `usage.prompt_tokens`, and it shares nothing.
 */
import { given } from "dynbench";
import {
  BlockNames,
  listIn,
  millisecondsIn,
  nameIn,
  objectIn,
  objectOf,
  optional,
  textIn,
  tokensIn,
  TraceFault,
  type ChatMessage,
  type JsonObject,
  type TextTokenizer,
  type TraceAspect,
  type TraceFormat,
} from "dynbench/trace";

export const openai: TraceFormat = {
  name: "openai",
  summary: "Logs of OpenAI requests: one body with messages or prompt a line",
  silentOn: [],
  recognizes: (line) => line.includes('"messages"') || line.includes('"prompt"'),
  reader: ({ blockSize, tokenizer }) => {
    const names = new BlockNames();
    const silentOn = new Set<TraceAspect>();
    return {
      blockSize,
      leftOut: new Map(),
      get alsoSilentOn() {
        return [...silentOn];
      },
      push: (line) => {
        const log = objectOf(line);
        // Gateways log the body beside the answer; others log the body alone.
        const body = optional(log, "request", objectIn) ?? optional(log, "body", objectIn) ?? log;
        const tokens = promptTokens(body, tokenizer);
        if (tokens === undefined) silentOn.add("sharing");
        const atMs = optional(log, "timestamp", millisecondsIn);
        const session = optional(log, "session_id", nameIn);
        return [
          {
            isl: tokens === undefined ? countedTokens(log) : tokensIn(tokens.length, "prompt"),
            osl: answerTokens(log, body),
            blocks: tokens === undefined ? [] : names.ofTokens(tokens, blockSize),
            ...given({ atMs, session }),
          },
        ];
      },
      end: () => [],
    };
  },
};

/** Undefined for a text that no tokenizer reads. */
function promptTokens(
  { prompt, messages }: JsonObject,
  tokenizer: TextTokenizer | undefined,
): ArrayLike<number> | undefined {
  if (messages !== undefined) {
    const chat = listIn(messages, "messages").map(messageIn);
    return tokenizer?.encodeChat?.(chat) ?? tokenizer?.encode(chatText(chat));
  }
  if (typeof prompt === "string") return tokenizer?.encode(prompt);
  if (Array.isArray(prompt) && prompt.every((id) => Number.isInteger(id)))
    return prompt as number[];
  throw new TraceFault("prompt", "must be a text or token ids, or there must be messages");
}

/** As the server counted them. */
function countedTokens(log: JsonObject): number {
  const counted = usageIn(log)?.["prompt_tokens"];
  if (counted !== undefined && counted !== null) return tokensIn(counted, "usage.prompt_tokens");
  throw new TraceFault(
    "line",
    "holds a text, and its length is unknown without usage.prompt_tokens or --tokenizer MODEL_FOLDER",
  );
}

function messageIn(value: unknown, index: number): ChatMessage {
  const { role, content } = objectIn(value, `messages[${index}]`);
  return {
    role: textIn(role, `messages[${index}].role`),
    content: contentText(content, `messages[${index}].content`),
  };
}

/** Roles and contents line by line: what every chat template keeps in this order. */
function chatText(messages: readonly ChatMessage[]): string {
  return messages.map(({ role, content }) => `${role}\n${content}\n`).join("");
}

/** Text of a message: a string, or the text parts of a list. */
function contentText(content: unknown, field: string): string {
  if (content === null || content === undefined) return ""; // a call of a tool
  if (typeof content === "string") return content;
  return listIn(content, field)
    .map((part) => objectIn(part, field)["text"] ?? "")
    .map((text) => textIn(text, field))
    .join("");
}

function answerTokens(log: JsonObject, body: JsonObject): number {
  const usage = usageIn(log);
  const found: [unknown, string][] = [
    [usage?.["completion_tokens"], "usage.completion_tokens"],
    [body["max_completion_tokens"], "max_completion_tokens"],
    [body["max_tokens"], "max_tokens"],
    [log["output_tokens"], "output_tokens"],
  ];
  const [value, field] =
    found.find(([given]) => given !== undefined && given !== null) ?? found[2]!;
  return tokensIn(value, field);
}

function usageIn(log: JsonObject): JsonObject | undefined {
  return optional(optional(log, "response", objectIn) ?? log, "usage", objectIn);
}
