/**
 * Finds words of a vocabulary that are one token each wherever prompts have them, so that text of
 * exactly n tokens is n of them with spaces between, and equal beginnings stay equal.
 */
import { DynbenchError } from "../base/errors.ts";
import type { Encode } from "./token-memo.ts";
import { wordTable, type WordTable } from "./word-table.ts";

/** Two prompts that part at some token agree at each later one by chance of one in as many; more only cost time. */
const MAX_WORDS = 2_048;
/** Below this a prompt of fresh content would by chance share tokens with another. */
const MIN_WORDS = 256;

export interface StableWords {
  readonly words: WordTable;
  /** The token of each. */
  readonly ids: Uint32Array;
}

/** The first words by id. Throws a `DynbenchError` when there are too few. */
export function stableWords(vocabulary: ReadonlyMap<string, number>, encode: Encode): StableWords {
  const candidates = [...vocabulary]
    .filter(([token]) => /^[▁Ġ]?[a-z]{2,16}$/.test(token))
    .toSorted(([, a], [, b]) => a - b)
    .map(([token]) => token.replace(/^[▁Ġ]/, ""));
  const words: string[] = [];
  const wordIds: number[] = [];
  for (const text of new Set(candidates)) {
    const ids = encode(`${text} ${text}`);
    // After a line's end too, because there most chat templates put a message.
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
      : "Cannot make prompts with this tokenizer: its tokens reach over spaces",
    { hint: "Send token ids: --prompt-form ids" },
  );
}
