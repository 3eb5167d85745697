/**
 * Block ids of prompts that are lists of segments, without generating tokens.
 *
 * Two prompts get the same id for block k exactly when their first (k + 1) · blockSize tokens are
 * the same pieces of the same contents. Whole blocks inside one segment are kept as runs of
 * consecutive ids, found by the block they follow and the content of their tokens, so a content costs
 * one look-up and a fill. A block that spans segments is found piece by piece.
 */
import type { RequestSpec, Segment } from "../../contract/request.ts";
import { RunTable } from "./run-table.ts";

/** Stands for the block before a prompt's first one; lower numbers are pieces of unfinished blocks. */
const PROMPT_START = -1;
const FIRST_PIECE = -2;

/** Length in the key of a run of whole blocks; pieces of spanning blocks have a length from 1. */
const WHOLE_BLOCKS = 0;

/** Ids of the full blocks of a prompt, and of the blocks that its answer without the last token fills. */
export interface BlocksOfRequest {
  readonly blocks: Int32Array;
  readonly answerBlocks: Int32Array;
  /** Prompt tokens. */
  readonly isl: number;
}

export class SegmentBlocks {
  /** Tokens per block. */
  readonly blockSize: number;
  readonly #runs = new RunTable();
  #size = 0;
  /** What the next token follows: a block id, `PROMPT_START`, or a piece. */
  #after = PROMPT_START;
  #ids = new Int32Array(0);
  #filled = 0;

  constructor(blockSize: number) {
    this.blockSize = blockSize;
  }

  /** Distinct blocks seen: ids are 0 to `size` − 1. */
  get size(): number {
    return this.#size;
  }

  /** Ids of the full blocks of a prompt of `isl` tokens, the sum of its segments. */
  blocksOf(prompt: readonly Segment[], isl: number): Int32Array {
    this.#ids = new Int32Array(Math.floor(isl / this.blockSize));
    this.#filled = 0;
    this.#after = PROMPT_START;
    let open = 0; // tokens in the block that earlier segments left unfinished
    let total = 0;
    for (const segment of prompt) {
      open = this.#append(segment, open);
      total += segment.tokens;
    }
    if (total !== isl) {
      throw new Error(`Cannot cut a prompt into blocks: segments of ${total} tokens, not ${isl}`);
    }
    return this.#ids;
  }

  /** The end of the prompt of the last `blocksOf`, as the place that a next token would follow. */
  get end(): number {
    return this.#after;
  }

  /**
   * Blocks of a request's prompt and of its answer. The answer stays cached, and a later turn may
   * repeat it; its last token is never computed, so it fills no block.
   */
  ofRequest({
    index,
    prompt,
    isl,
    osl,
  }: Pick<RequestSpec, "index" | "prompt" | "isl" | "osl">): BlocksOfRequest {
    const blocks = this.blocksOf(prompt, isl);
    const open = isl % this.blockSize;
    const filled = Math.floor((open + Math.max(0, osl - 1)) / this.blockSize);
    this.#ids = new Int32Array(filled);
    this.#filled = 0;
    // Nothing follows an answer, so the tokens of its unfinished block are not looked up.
    const tokens = filled * this.blockSize - open;
    if (filled > 0) this.#append({ answerOf: index, tokens }, open);
    return { blocks, answerBlocks: this.#ids, isl };
  }

  /** Appends a segment to a block with `open` tokens; returns how many the last block then has. */
  #append(segment: Segment, open: number): number {
    let offset = 0;
    if (open > 0) {
      offset = Math.min(this.blockSize - open, segment.tokens);
      this.#appendPiece(segment, 0, offset, open + offset);
      if (open + offset < this.blockSize) return open + offset;
    }
    const blocks = Math.floor((segment.tokens - offset) / this.blockSize);
    this.#appendBlocks(segment, offset, blocks);
    offset += blocks * this.blockSize;
    const rest = segment.tokens - offset;
    this.#appendPiece(segment, offset, rest, rest);
    return rest;
  }

  /** `tokens` tokens of a block that spans segments; `reached` counts the block's tokens with them. */
  #appendPiece(segment: Segment, offset: number, tokens: number, reached: number): void {
    if (tokens === 0) return;
    const row = this.#runs.row(this.#after, contentKey(segment, offset), tokens);
    if (reached < this.blockSize) {
      this.#after = FIRST_PIECE - row;
      return;
    }
    this.#after = this.#firstOf(row, 1);
    this.#ids[this.#filled] = this.#after;
    this.#filled += 1;
  }

  /** Whole blocks of one segment: runs seen before as far as they go, then a new one. */
  #appendBlocks(segment: Segment, offset: number, blocks: number): void {
    let left = blocks;
    let at = offset;
    while (left > 0) {
      const row = this.#runs.row(this.#after, contentKey(segment, at), WHOLE_BLOCKS);
      const first = this.#firstOf(row, left);
      const taken = Math.min(left, this.#runs.count[row]!);
      for (let i = 0; i < taken; i += 1) this.#ids[this.#filled + i] = first + i;
      this.#filled += taken;
      this.#after = first + taken - 1;
      at += taken * this.blockSize;
      left -= taken;
    }
  }

  /** First id of a row; a new row is given `blocks` new ids. */
  #firstOf(row: number, blocks: number): number {
    if (this.#runs.count[row] === 0) {
      this.#runs.first[row] = this.#size;
      this.#runs.count[row] = blocks;
      this.#size += blocks;
    }
    return this.#runs.first[row]!;
  }
}

/**
 * 32-bit hash of the first `tokens` tokens of a prompt, rounded down to whole blocks; of all tokens
 * if the prompt or the whole blocks are fewer. Equal content gives equal hashes in every process.
 */
export function prefixHash(
  prompt: readonly Segment[],
  range: { readonly tokens: number; readonly blockSize: number },
): number {
  let isl = 0;
  for (const segment of prompt) isl += segment.tokens;
  const wanted = Math.min(range.tokens, isl);
  let left = Math.floor(wanted / range.blockSize) * range.blockSize || wanted;
  let hash = 0x811c9dc5;
  for (const segment of prompt) {
    const taken = Math.min(left, segment.tokens);
    if (taken === 0) continue;
    const key = contentKey(segment, 0);
    hash = mix(hash ^ (key | 0));
    hash = mix(hash ^ Math.floor(key / 0x1_0000_0000));
    hash = mix(hash ^ taken);
    left -= taken;
  }
  return hash >>> 0;
}

/**
 * One number for a segment's content, and whether its tokens are the content's first. Any other offset
 * follows from what came before: only the same content can have stopped there.
 */
function contentKey(segment: Segment, offset: number): number {
  const starts = offset === 0 ? 0 : 1;
  return "answerOf" in segment ? 4 * segment.answerOf + 2 + starts : 4 * segment.content + starts;
}

/** Finalizer of MurmurHash3. */
function mix(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
