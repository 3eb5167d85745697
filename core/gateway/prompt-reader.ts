/**
 * From the bytes of a request to what a policy sees of it: lengths, options and prompt blocks.
 *
 * Token ids are hashed as they are. Text and chats are tokenised first: with the model's tokenizer
 * on threads, with the built-in one here, which takes less than the way to a thread and back.
 */
import { blockHashes, hashBlocks, type BlockHashes } from "../routing/kv/block-hash.ts";
import { BlockTable } from "../routing/kv/block-table.ts";
import { WORD_TOKENIZER } from "../prompt/word-tokenizer.ts";
import { monotonicNs } from "../system/clock.ts";
import {
  BodyScanner,
  type PromptField,
  type ScannedBody,
  type ScannedPrompt,
} from "./body-scan.ts";
import {
  BYTES_PER_TOKEN,
  textOf,
  textTokens,
  type PromptSource,
  type TextPrompt,
} from "./text-tokens.ts";
import type { TokenisePool } from "./tokenise-pool.ts";

/**
 * Texts in bodies up to this long are tokenised here where the built-in tokenizer does it: 14,000 tokens
 * take 0.2 ms of the loop, and handing them to a thread took as much of it on two shared cores
 * (test/bench/tokenizer.bench.ts). A longer text leaves, so that no text holds up all others.
 */
const MAX_BYTES_HERE = 98_304;

export interface ReadPrompt {
  readonly stream: boolean;
  readonly isl: number;
  readonly osl: number;
  /** Higher is earlier. */
  readonly priority: number;
  /** Empty when no blocks were asked for. */
  readonly blocks: Int32Array;
  readonly source: PromptSource;
  readonly scanNs: number;
  /** The way to the thread that tokenised, the wait for it, and the way back; 0 when it was done here. */
  readonly tokeniseWaitNs: number;
  readonly tokeniseNs: number;
  readonly hashNs: number;
  /** See `RouteRequest.prefixHash`. */
  prefixHash(tokens: number): number;
}

export interface ReadingOptions {
  readonly blockSize: number;
  readonly needsBlocks: boolean;
  readonly table: BlockTable;
  readonly pool: TokenisePool;
  /** The pool has a model's tokenizer; else text goes through the built-in one. */
  readonly hasModel: boolean;
}

/** What was read before tokens are known. */
interface Read {
  readonly body: ScannedBody;
  readonly scanNs: number;
}

interface Tokens {
  /** Undefined when nobody needs them. */
  readonly tokens: Uint32Array | undefined;
  readonly source: PromptSource;
  readonly tokeniseNs: number;
  readonly tokeniseWaitNs: number;
}

export class PromptReader {
  readonly #options: ReadingOptions;
  readonly #scanner = new BodyScanner();
  readonly #hashes: BlockHashes = blockHashes(0);

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  /**
   * Undefined when the body is not a JSON object. A promise only for text that is tokenised on a
   * thread; rejects with a `TokeniseFault`.
   */
  read(bytes: Uint8Array, field: PromptField): ReadPrompt | Promise<ReadPrompt> | undefined {
    const startNs = monotonicNs();
    const body = this.#scanner.scan(bytes, field);
    if (body === undefined) return undefined;
    const { prompt } = body;
    const read = { body, scanNs: monotonicNs() - startNs };
    if (this.#options.needsBlocks && (prompt.form === "text" || prompt.form === "chat")) {
      if (this.#options.hasModel || bytes.length > MAX_BYTES_HERE) {
        return this.#elsewhere(read, prompt, bytes.length);
      }
    }
    const again = (): Uint32Array => tokensOf(this.#scanner.scan(bytes, field)!.prompt).tokens;
    return this.#result(read, this.#here(prompt), again);
  }

  #here(prompt: ScannedPrompt): Tokens {
    if (!this.#options.needsBlocks) {
      return { tokens: undefined, source: sourceOf(prompt), tokeniseNs: 0, tokeniseWaitNs: 0 };
    }
    const startNs = monotonicNs();
    const { tokens, source } = tokensOf(prompt);
    return { tokens, source, tokeniseNs: monotonicNs() - startNs, tokeniseWaitNs: 0 };
  }

  async #elsewhere(read: Read, prompt: TextPrompt, length: number): Promise<ReadPrompt> {
    const startNs = monotonicNs();
    const { tokens, source, ns } = await this.#options.pool.tokens(prompt, length);
    const tokeniseWaitNs = monotonicNs() - startNs - ns;
    return this.#result(read, { tokens, source, tokeniseNs: ns, tokeniseWaitNs }, () => tokens);
  }

  /** `again`: the tokens at a later time; those of ids lie in a buffer that the next request overwrites. */
  #result({ body, scanNs }: Read, read: Tokens, again: () => Uint32Array): ReadPrompt {
    const { prompt, stream, maxTokens = 0, priority } = body;
    const { tokens, source, tokeniseNs, tokeniseWaitNs } = read;
    const startNs = monotonicNs();
    const blocks = tokens === undefined ? NO_BLOCKS : this.#blocksOf(tokens);
    return {
      stream,
      isl: tokens?.length ?? lengthOf(prompt),
      osl: maxTokens,
      priority: 0 - priority, // for policies higher is earlier
      blocks,
      source,
      scanNs,
      tokeniseWaitNs,
      tokeniseNs,
      hashNs: monotonicNs() - startNs,
      prefixHash: (length) => this.#prefixHash(again(), length),
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

  #prefixHash(tokens: Uint32Array, length: number): number {
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
export function warmUpReading(options: Omit<ReadingOptions, "table">): void {
  const reader = new PromptReader({ ...options, table: new BlockTable() });
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    const prompt = Array.from({ length: WARM_UP_TOKENS }, (_, i) => 1000 + ((i * 7919) % 29_000));
    void reader.read(
      encoder.encode(JSON.stringify({ model: "m", prompt, stream: true })),
      "prompt",
    );
  }
}

const NO_BLOCKS = new Int32Array(0);
const NO_TOKENS = new Uint32Array(0);
const encoder = new TextEncoder();

function tokensOf(prompt: ScannedPrompt): { tokens: Uint32Array; source: PromptSource } {
  if (prompt.form === "ids") return { tokens: prompt.ids, source: "ids" };
  if (prompt.form === "other") return { tokens: NO_TOKENS, source: "none" };
  return textTokens(prompt, WORD_TOKENIZER);
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
