/**
 * The server's own message out of whatever it answered instead of a completion: OpenAI-style JSON,
 * FastAPI's `detail`, a proxy's HTML, plain text.
 */

import { stripVTControlCharacters } from "node:util";

/** Enough for vLLM's longest validation message; records keep no more. */
export const MAX_ERROR_WORDS = 500;

/** At most 500 characters on one line; never empty. */
export function errorWords(body: Uint8Array): string {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString().trim();
  const words = messageIn(text) ?? (isHtml(text) ? htmlText(text) : text);
  return oneLine(words) || "the server gave no reason";
}

function messageIn(text: string): string | undefined {
  if (!text.startsWith("{") && !text.startsWith("[")) return undefined;
  try {
    return messageOfValue(JSON.parse(text));
  } catch {
    return undefined; // cut short or not JSON: the text itself is shown
  }
}

/** Keys that servers use, the most specific first. */
const KEYS = ["error", "message", "detail", "errors", "msg"] as const;

function messageOfValue(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : messageOfValue(value[0]);
  for (const key of KEYS) {
    const message = messageOfValue((value as Record<string, unknown>)[key]);
    if (message !== undefined) return message;
  }
  return undefined;
}

function isHtml(text: string): boolean {
  return /^\s*(<!doctype html|<html|<head|<body)/i.test(text);
}

function htmlText(html: string): string {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(html)?.[1];
  const body = html
    .replace(/<(script|style|title)[^>]*>[^]*?<\/\1>/gi, " ")
    .replace(/<[^>]*>/g, " ");
  return title === undefined ? body : `${title}: ${body}`;
}

function oneLine(text: string): string {
  // Control characters would let a server draw on the user's terminal.
  const line = stripVTControlCharacters(text)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length <= MAX_ERROR_WORDS ? line : `${line.slice(0, MAX_ERROR_WORDS - 1)}…`;
}
