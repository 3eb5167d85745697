/**
 * From a text or a chat to tokens. What no tokenizer here can read is cut into pieces of four bytes, as if
 * those were tokens: sharing is then approximate and lengths are estimates, unless the engine reads
 * it so too.
 */
import type { ChatMessage, Tokenizer } from "../prompt/tokenizer.ts";
import { WORD_TOKENIZER } from "../prompt/word-tokenizer.ts";
import type { ScannedPrompt } from "./body-scan.ts";

export type TextPrompt = Extract<ScannedPrompt, { form: "text" | "chat" }>;

/** How prompts became tokens, for the gateway's state. */
export type PromptSource = "ids" | "words" | "model" | "bytes" | "none";

export interface TextTokens {
  readonly tokens: Uint32Array;
  readonly source: "words" | "model" | "bytes";
}

/** Throws what the model's chat template throws. */
export function textTokens(prompt: TextPrompt, tokenizer: Tokenizer): TextTokens {
  const tokens = tokenised(prompt, tokenizer);
  // Images and the like: what the model makes of them is its own.
  if (tokens === undefined) {
    return { tokens: WORD_TOKENIZER.encode(textOf(prompt)), source: "bytes" };
  }
  const { firstPieceId } = tokenizer;
  if (firstPieceId === undefined) return { tokens, source: "model" };
  return { tokens, source: tokens.some((id) => id >= firstPieceId) ? "bytes" : "words" };
}

function tokenised(prompt: TextPrompt, tokenizer: Tokenizer): Uint32Array | undefined {
  if (prompt.form === "text") return tokenizer.encode(prompt.text);
  const messages = prompt.messages.map(textMessage);
  return messages.every((message) => message !== undefined)
    ? tokenizer.encodeChat(messages)
    : undefined;
}

/** Parts of text are joined by line breaks, as vLLM joins them; undefined where a part is no text. */
function textMessage(message: unknown): ChatMessage | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { role, content = null } = message as Record<string, unknown>;
  if (typeof role !== "string") return undefined;
  if (typeof content === "string") return { role, content };
  if (content === null) return { role, content: "" };
  if (!Array.isArray(content)) return undefined;
  const texts = (content as readonly { text?: unknown }[]).map((part) => part?.text);
  const isText = texts.every((text) => typeof text === "string");
  return isText ? { role, content: texts.join("\n") } : undefined;
}

/** The text itself; a chat as JSON, and nothing of one that is nested deeper than JSON can be written. */
export function textOf(prompt: TextPrompt): string {
  if (prompt.form === "text") return prompt.text;
  try {
    return JSON.stringify(prompt.messages);
  } catch {
    return "";
  }
}

/** Bytes of text that count as one token where nothing is tokenised: the usual mean of English text. */
export const BYTES_PER_TOKEN = 4;
