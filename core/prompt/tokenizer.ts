/**
 * The interface of a tokenizer for prompts, gateway and mocker: the built-in one of whole words
 * (`word-tokenizer.ts`) or a model's own (`model-tokenizer.ts`).
 */
import type { WordTable } from "./word-table.ts";

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface Tokenizer {
  /** Ids of a completion's text, with the special tokens that a server adds. */
  encode(text: string): Uint32Array;
  /** Ids of a part of a prompt, without special tokens. */
  encodePart(text: string): Uint32Array;
  /** Ids of a chat in the model's template, with the opening of the answer. Throws where it has none. */
  encodeChat(messages: readonly ChatMessage[]): Uint32Array;
  decode(ids: Iterable<number>): string;
  /** Ids from here on stand for pieces of text that are no words; undefined: there are no such ids. */
  readonly firstPieceId: number | undefined;
  /** Words that prompts and answers are made of. */
  readonly words: WordTable;
  /** The token of each word. */
  readonly wordIds: Uint32Array;
  /** Tokens that are added to the words of a text. */
  readonly textOverhead: number;
  /** Tokens that the template adds to the words of a single user message; undefined: no template. */
  readonly chatOverhead: number | undefined;
}
