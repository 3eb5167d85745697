/**
 * Words of which each is one token, whatever words are next to it: text prompts are made of them. A
 * prompt's token ids choose the words, so prompts share the words of the segments that they share.
 */
import { FIRST_TOKEN_ID, LAST_TOKEN_ID } from "./tokens.ts";

export interface WordTable {
  readonly count: number;
  /** All words as bytes, a space after each; word i starts at `offsets[i]`. */
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  /** Longest word and its space. */
  readonly maxBytes: number;
}

/** Words must be ASCII and need no escape in JSON. */
export function wordTable(words: readonly string[]): WordTable {
  const offsets = new Uint32Array(words.length + 1);
  let maxBytes = 0;
  for (const [i, text] of words.entries()) {
    offsets[i + 1] = offsets[i]! + text.length + 1;
    maxBytes = Math.max(maxBytes, text.length + 1);
  }
  return {
    count: words.length,
    bytes: Buffer.from(words.map((text) => `${text} `).join(""), "latin1"),
    offsets,
    maxBytes,
  };
}

/** The word that a prompt's token id stands for; ids beyond the table wrap around. */
export function wordIndex({ count }: WordTable, promptId: number): number {
  if (promptId < FIRST_TOKEN_ID || promptId > LAST_TOKEN_ID) {
    throw new Error(`${promptId} is not a prompt token`);
  }
  return (promptId - FIRST_TOKEN_ID) % count;
}

/** Writes the words of `promptIds` at `at`, one space between; returns the position after them. */
export function writeWords(
  table: WordTable,
  promptIds: Uint32Array,
  to: { out: Uint8Array; at: number },
): number {
  const { bytes, offsets } = table;
  const { out } = to;
  let position = to.at;
  for (const promptId of promptIds) {
    const word = wordIndex(table, promptId);
    const end = offsets[word + 1]!;
    for (let from = offsets[word]!; from < end; from += 1) out[position++] = bytes[from]!;
  }
  return promptIds.length === 0 ? position : position - 1;
}

/** The word itself. */
export function wordText({ bytes, offsets }: WordTable, word: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
    "latin1",
    offsets[word],
    offsets[word + 1]! - 1,
  );
}
