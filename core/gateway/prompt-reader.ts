/**
 * From the bytes of a request to what a policy sees of it: lengths, options and prompt blocks.
 *
 * Token ids are hashed as they are. Text and chats are tokenised with the word tokenizer when all
 * their words belong to it; other text has no tokenizer here, so its bytes are hashed in pieces of
 * four as if they were tokens: sharing is then approximate and lengths are estimates.
 */
import { blockHashes, hashBlocks, type BlockHashes } from "../kv/block-hash.ts";
import { BlockTable } from "../kv/block-table.ts";
import { encode, encodeChat, UNKNOWN_ID } from "../prompt/word-tokenizer.ts";
import { monotonicNs } from "../clock.ts";
import { BodyScanner, type PromptField, type ScannedPrompt } from "./body-scan.ts";

/** Bytes of text that count as one token where there is no tokenizer: the usual mean of English text. */
const BYTES_PER_TOKEN = 4;

/** How prompts became tokens, for the gateway's state. */
export type PromptSource = "ids" | "words" | "bytes" | "none";

export interface ReadPrompt {
  readonly stream: boolean;
  readonly isl: number;
  readonly osl: number;
  readonly priority: number;
  /** Empty when no blocks were asked for. */
  readonly blocks: Int32Array;
  readonly source: PromptSource;
  readonly scanNs: number;
  readonly tokeniseNs: number;
  readonly hashNs: number;
  /** See `RouteRequest.prefixHash`. */
  prefixHash(tokens: number): number;
}

export class PromptReader {
  readonly #options: { blockSize: number; needsBlocks: boolean; table: BlockTable };
  readonly #scanner = new BodyScanner();
  readonly #hashes: BlockHashes = blockHashes(0);

  constructor(options: { blockSize: number; needsBlocks: boolean; table: BlockTable }) {
    this.#options = options;
  }

  /** Undefined when the body is not a JSON object. */
  read(bytes: Uint8Array, field: PromptField): ReadPrompt | undefined {
    const startNs = monotonicNs();
    const scanned = this.#scanner.scan(bytes, field);
    if (scanned === undefined) return undefined;
    const { prompt, stream, maxTokens = 0, priority } = scanned;
    const scannedNs = monotonicNs();
    const { needsBlocks } = this.#options;
    const { tokens, source } = needsBlocks
      ? tokensOf(prompt)
      : { tokens: undefined, source: sourceOf(prompt) };
    const tokenisedNs = monotonicNs();
    const blocks = tokens === undefined ? NO_BLOCKS : this.#blocksOf(tokens);
    return {
      stream,
      isl: tokens?.length ?? lengthOf(prompt),
      osl: maxTokens,
      priority,
      blocks,
      source,
      scanNs: scannedNs - startNs,
      tokeniseNs: tokenisedNs - scannedNs,
      hashNs: monotonicNs() - tokenisedNs,
      prefixHash: (length) => this.#prefixHash({ bytes, field }, length),
    };
  }

  #blocksOf(tokens: Uint32Array): Int32Array {
    const { blockSize, table } = this.#options;
    const count = hashBlocks(tokens, blockSize, this.#hashes);
    const { high, low } = this.#hashes; // after, because hashing may replace the arrays
    const blocks = new Int32Array(count);
    for (let i = 0; i < count; i += 1) {
      blocks[i] = table.intern(high[i]!, low[i]!);
    }
    return blocks;
  }

  /** Reads the body again: a held request is asked long after the scanner's buffer has moved on. */
  #prefixHash(body: { bytes: Uint8Array; field: PromptField }, length: number): number {
    const scanned = this.#scanner.scan(body.bytes, body.field);
    const { tokens } = tokensOf(scanned!.prompt);
    const wanted = Math.min(length, tokens.length);
    const { blockSize } = this.#options;
    const whole = wanted - (wanted % blockSize);
    return Bun.hash.xxHash32(bytesOf(tokens.subarray(0, whole === 0 ? wanted : whole)));
  }
}

/** Tokens and rounds after which the compiler has seen enough; some 20 ms in all. */
const WARM_UP_TOKENS = 14_000;
const WARM_UP_ROUNDS = 20;

/** Reads made-up prompts into nothing: cold, the first real one would take milliseconds. */
export function warmUpReading(options: { blockSize: number; needsBlocks: boolean }): void {
  const reader = new PromptReader({ ...options, table: new BlockTable() });
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    const prompt = Array.from({ length: WARM_UP_TOKENS }, (_, i) => 1000 + ((i * 7919) % 29_000));
    reader.read(encoder.encode(JSON.stringify({ model: "m", prompt, stream: true })), "prompt");
  }
}

const NO_BLOCKS = new Int32Array(0);
const NO_TOKENS = new Uint32Array(0);
const encoder = new TextEncoder();

function tokensOf(prompt: ScannedPrompt): { tokens: Uint32Array; source: PromptSource } {
  if (prompt.form === "ids") return { tokens: prompt.ids, source: "ids" };
  if (prompt.form === "other") return { tokens: NO_TOKENS, source: "none" };
  const words = prompt.form === "text" ? encode(prompt.text) : wordsOfChat(prompt.messages);
  if (words !== undefined && !words.includes(UNKNOWN_ID)) return { tokens: words, source: "words" };
  return { tokens: piecesOf(textOf(prompt)), source: "bytes" };
}

function wordsOfChat(messages: readonly unknown[]): Uint32Array | undefined {
  return messages.every(isTextMessage) ? encodeChat(messages) : undefined;
}

function isTextMessage(message: unknown): message is { role: string; content: string } {
  if (typeof message !== "object" || message === null) return false;
  const { role, content } = message as Record<string, unknown>;
  return typeof role === "string" && typeof content === "string";
}

function textOf(prompt: ScannedPrompt & { form: "text" | "chat" }): string {
  return prompt.form === "text" ? prompt.text : JSON.stringify(prompt.messages);
}

/** Four bytes of UTF-8 a number, the last padded with zeros. */
function piecesOf(text: string): Uint32Array {
  const bytes = encoder.encode(text);
  const pieces = new Uint32Array(Math.ceil(bytes.length / BYTES_PER_TOKEN));
  bytesOf(pieces).set(bytes);
  return pieces;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function sourceOf(prompt: ScannedPrompt): PromptSource {
  if (prompt.form === "ids") return "ids";
  return prompt.form === "other" ? "none" : "bytes";
}

/** Prompt length without tokenising: exact for ids, an estimate for text. */
function lengthOf(prompt: ScannedPrompt): number {
  if (prompt.form === "ids") return prompt.ids.length;
  return prompt.form === "other" ? 0 : Math.ceil(textOf(prompt).length / BYTES_PER_TOKEN);
}
