/**
 * Logs of OpenAI requests, one body a line: `messages`, or `prompt` as text or token ids. The answer
 * is as long as `usage.completion_tokens` says, else as `max_completion_tokens`, `max_tokens` or
 * `output_tokens` allow. `timestamp` in milliseconds and `session_id` are read where they are there.
 */
import { BlockNames } from "../block-names.ts";
import {
  listIn,
  millisecondsIn,
  nameIn,
  objectIn,
  objectOf,
  optional,
  textIn,
  tokensIn,
  type JsonObject,
} from "../field.ts";
import type { TraceFormat } from "../trace-format.ts";
import { TraceFault } from "../trace-row.ts";

export const chatLog: TraceFormat = {
  name: "openai",
  summary: "Logs of OpenAI requests: one body with messages or prompt a line",
  silentOn: [],
  needsTokenizer: true,
  recognizes: (line) => line.includes('"messages"') || line.includes('"prompt"'),
  reader: ({ blockSize, encode }) => {
    const names = new BlockNames();
    return {
      blockSize,
      leftOut: new Map(),
      push: (line) => {
        const log = objectOf(line);
        // Gateways log the body beside the answer; others log the body alone.
        const body = optional(log, "request", objectIn) ?? optional(log, "body", objectIn) ?? log;
        const tokens = promptTokens(body, encode!);
        const atMs = optional(log, "timestamp", millisecondsIn);
        const session = optional(log, "session_id", nameIn);
        return [
          {
            isl: tokensIn(tokens.length, "prompt"),
            osl: answerTokens(log, body),
            blocks: names.ofTokens(tokens, blockSize),
            ...(atMs === undefined ? {} : { atMs }),
            ...(session === undefined ? {} : { session }),
          },
        ];
      },
      end: () => [],
    };
  },
};

function promptTokens(
  body: JsonObject,
  encode: (text: string) => ArrayLike<number>,
): ArrayLike<number> {
  const { prompt, messages } = body;
  if (messages !== undefined) return encode(chatText(listIn(messages, "messages")));
  if (typeof prompt === "string") return encode(prompt);
  if (Array.isArray(prompt) && prompt.every((id) => Number.isInteger(id)))
    return prompt as number[];
  throw new TraceFault("prompt", "must be a text or token ids, or there must be messages");
}

/** Roles and contents line by line: what every chat template keeps in this order. */
export function chatText(messages: readonly unknown[]): string {
  return messages
    .map((message, i) => {
      const { role, content } = objectIn(message, `messages[${i}]`);
      return `${textIn(role, `messages[${i}].role`)}\n${contentText(content, `messages[${i}].content`)}\n`;
    })
    .join("");
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
  const answer = optional(log, "response", objectIn) ?? log;
  const usage = optional(answer, "usage", objectIn);
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
