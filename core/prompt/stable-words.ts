/**
 * Finds words of a vocabulary that are one token each at every place in a prompt, so that n of them
 * with spaces between are a text of exactly n tokens, and equal prefixes stay equal.
 */
import { DynbenchError } from "../base/errors.ts";
import type { Encode } from "./token-memo.ts";
import { wordTable, type WordTable } from "./word-table.ts";

/** Chance that two different prompts have the same word at a place is one in as many; more only cost time. */
const MAX_WORDS = 2_048;
/** With fewer words, prompts of different content would share tokens by chance. */
const MIN_WORDS = 256;

export interface StableWords {
  readonly words: WordTable;
  /** The token of each word. */
  readonly ids: Uint32Array;
}

/** The stable words with the lowest ids. Throws a `DynbenchError` when there are too few. */
export function stableWords(vocabulary: ReadonlyMap<string, number>, encode: Encode): StableWords {
  const candidates = [...vocabulary]
    .filter(([token]) => /^[▁Ġ]?[a-z]{2,16}$/.test(token))
    .toSorted(([, a], [, b]) => a - b)
    .map(([token]) => token.replace(/^[▁Ġ]/, ""));
  const words: string[] = [];
  const wordIds: number[] = [];
  for (const text of new Set(candidates)) {
    const ids = encode(`${text} ${text}`);
    // Also after a line break, where most chat templates put a message.
    const withLine = encode(`${text}\n`).length + 2;
    if (ids.length !== 2 || encode(`${text} ${text}\n${text}`).length !== withLine) continue;
    words.push(text);
    wordIds.push(ids[1]!);
    if (words.length === MAX_WORDS) break;
  }
  const isStable = encode(words.join(" ")).length === words.length;
  if (words.length >= MIN_WORDS && isStable) {
    return { words: wordTable(words), ids: Uint32Array.from(wordIds) };
  }
  throw new DynbenchError(
    "plan",
    isStable
      ? `Cannot make prompts with this tokenizer: only ${words.length} words are one token each`
      : "Cannot make prompts with this tokenizer: its tokens span spaces",
    { hint: "Send token ids: --prompt-form ids" },
  );
}
