/**
 * The other end of `tokenise-pool.ts`: a thread that reads one tokenizer and turns prompts into tokens,
 * one at a time. It is the entry of its thread, so importing it there is what starts it.
 */
import { monotonicNs } from "../system/clock.ts";
import { messageOf } from "../base/errors.ts";
import { openTokenizer } from "../prompt/open-tokenizer.ts";
import type { Tokenizer } from "../prompt/tokenizer.ts";
import { wordText } from "../prompt/word-table.ts";
import { textTokens, type TextPrompt, type TextTokens } from "./text-tokens.ts";

/** The first message; each later one is a prompt, and has one answer. */
export interface ThreadStart {
  /** Of the model's tokenizer; undefined: the built-in one. */
  readonly folder: string | undefined;
}

export type ThreadAnswer =
  | { readonly type: "ready" }
  | ({ readonly type: "tokens"; readonly ns: number } & TextTokens)
  | { readonly type: "failed"; readonly message: string };

/** Texts that nobody waits for: cold, a prompt of 14,000 tokens takes ten times as long. */
const WARM_UP_WORDS = 14_000;
const WARM_UP_ROUNDS = 5;

declare const self: Worker;

if (!Bun.isMainThread) serve();

function serve(): void {
  let tokenizer: Tokenizer | undefined;
  self.onmessage = async ({ data }: MessageEvent<ThreadStart | TextPrompt>) => {
    try {
      if ("form" in data) answer(tokensOf(data, tokenizer!));
      else {
        tokenizer = await openTokenizer(data.folder);
        warmUp(tokenizer);
        answer({ type: "ready" });
      }
    } catch (error) {
      answer({ type: "failed", message: messageOf(error) });
    }
  };
}

function tokensOf(prompt: TextPrompt, tokenizer: Tokenizer): ThreadAnswer {
  const startNs = monotonicNs();
  const { tokens, source } = textTokens(prompt, tokenizer);
  return { type: "tokens", tokens, source, ns: monotonicNs() - startNs };
}

function answer(message: ThreadAnswer): void {
  const moved = message.type === "tokens" ? [message.tokens.buffer as ArrayBuffer] : [];
  self.postMessage(message, moved);
}

/** Includes the words that prompts are made of, each of which takes long the first time. */
function warmUp(tokenizer: Tokenizer): void {
  const words = promptWords(tokenizer);
  const text = Array.from({ length: WARM_UP_WORDS }, (_, i) => words[i % words.length]).join(" ");
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) tokenizer.encode(text);
}

/** A vocabulary that makes no prompts can still read them. */
function promptWords(tokenizer: Tokenizer): string[] {
  try {
    const { words } = tokenizer;
    return Array.from({ length: words.count }, (_, i) => wordText(words, i));
  } catch {
    return ["the"];
  }
}
