/**
 * From a text or a chat to tokens. What no tokenizer here knows is read in pieces of four bytes, as if
 * those were tokens: sharing is then approximate and lengths are estimates.
 */
import type { ChatMessage, Tokenizer } from "../prompt/tokenizer.ts";
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
  const tokens = known(prompt, tokenizer);
  if (tokens !== undefined) {
    return { tokens, source: tokenizer.unknownId === undefined ? "model" : "words" };
  }
  return { tokens: piecesOf(textOf(prompt)), source: "bytes" };
}

function known(prompt: TextPrompt, tokenizer: Tokenizer): Uint32Array | undefined {
  let tokens: Uint32Array;
  if (prompt.form === "text") tokens = tokenizer.encode(prompt.text);
  else if (prompt.messages.every(isTextMessage)) tokens = tokenizer.encodeChat(prompt.messages);
  else return undefined;
  const { unknownId } = tokenizer;
  return unknownId !== undefined && tokens.includes(unknownId) ? undefined : tokens;
}

function isTextMessage(message: unknown): message is ChatMessage {
  if (typeof message !== "object" || message === null) return false;
  const { role, content } = message as Record<string, unknown>;
  return typeof role === "string" && typeof content === "string";
}

/** The text itself; a chat as JSON. */
export function textOf(prompt: TextPrompt): string {
  return prompt.form === "text" ? prompt.text : JSON.stringify(prompt.messages);
}

/** Bytes of text that count as one token where there is no tokenizer: the usual mean of English text. */
export const BYTES_PER_TOKEN = 4;

const encoder = new TextEncoder();

/** Four bytes of UTF-8 a number, the last padded with zeros. */
function piecesOf(text: string): Uint32Array {
  const bytes = encoder.encode(text);
  const pieces = new Uint32Array(Math.ceil(bytes.length / BYTES_PER_TOKEN));
  new Uint8Array(pieces.buffer).set(bytes);
  return pieces;
}
