/**
 * The hits of one cache as large as the caches of all workers together, over a cell's requests in
 * send order: with LRU, which perfect routing to such engines could come close to, and with Belady's
 * MIN, which no routing over caches of that total size can exceed. The engine's rules are those of
 * `ideal.ts`: whole blocks, never the last prompt token, answers stay cached.
 */
import { SegmentBlocks, type BlocksOfRequest } from "../../routing/kv/segment-blocks.ts";
import type { RequestSpec } from "../../contract/request.ts";
import { lruShare } from "../../trace/analysis/lru-share.ts";
import { minCurve } from "../../trace/analysis/min-curve.ts";
import type { BlockRows } from "../../trace/trace-columns.ts";
import type { PooledCache } from "../../contract/result.ts";

/** 4 bytes a block, and about 40 more while the bounds are computed. */
const MAX_BLOCKS = 20_000_000;

/** Takes the requests in send order, warm-up included. */
export class PooledRequests {
  readonly #table: SegmentBlocks;
  readonly #rows: CutRequests;
  #warmup = 0;
  #isTooLarge = false;

  constructor(blockSize: number) {
    this.#table = new SegmentBlocks(blockSize);
    this.#rows = new CutRequests(blockSize);
  }

  add(request: Pick<RequestSpec, "index" | "prompt" | "isl" | "osl">, isMeasured: boolean): void {
    if (!this.#isTooLarge) this.addBlocks(this.#table.ofRequest(request), isMeasured);
  }

  /** The same for a request whose blocks have ids already, equal for equal content and history. */
  addBlocks(request: BlocksOfRequest, isMeasured: boolean): void {
    if (this.#rows.totalBlocks > MAX_BLOCKS) this.#isTooLarge = true;
    if (this.#isTooLarge) return;
    this.#rows.add(request);
    if (!isMeasured) this.#warmup += 1;
  }

  /** Shares of a cache of `blocks` blocks; undefined when the requests had more than `MAX_BLOCKS`. */
  served(blocks: number): PooledCache | undefined {
    if (this.#isTooLarge) return undefined;
    const rows = this.#rows;
    const usable = (row: number): number =>
      Math.max(0, Math.floor((rows.isl(row) - 1) / rows.blockSize));
    const rules = { usable, firstCounted: this.#warmup };
    return {
      blocks,
      lruShare: lruShare(rows, blocks, rules),
      minShare: minCurve(rows, [blocks], rules)[0]!,
    };
  }
}

/** Requests cut into blocks; those of the answer follow those of the prompt. */
class CutRequests implements BlockRows {
  readonly blockSize: number;
  distinctBlocks = 0;
  readonly #isl: number[] = [];
  /** Where each request's blocks begin; one more than requests. */
  readonly #starts = [0];
  #blocks = new Int32Array(1 << 16);

  constructor(blockSize: number) {
    this.blockSize = blockSize;
  }

  get rows(): number {
    return this.#isl.length;
  }

  get totalBlocks(): number {
    return this.#starts.at(-1)!;
  }

  isl(row: number): number {
    return this.#isl[row]!;
  }

  blocks(row: number): Int32Array {
    return this.#blocks.subarray(this.#starts[row], this.#starts[row + 1]);
  }

  add({ blocks, answerBlocks, isl }: BlocksOfRequest): void {
    const start = this.totalBlocks;
    const end = start + blocks.length + answerBlocks.length;
    if (end > this.#blocks.length) {
      const grown = new Int32Array(Math.max(end, 2 * this.#blocks.length));
      grown.set(this.#blocks);
      this.#blocks = grown;
    }
    this.#blocks.set(blocks, start);
    this.#blocks.set(answerBlocks, start + blocks.length);
    for (let at = start; at < end; at += 1) {
      if (this.#blocks[at]! >= this.distinctBlocks) this.distinctBlocks = this.#blocks[at]! + 1;
    }
    this.#starts.push(end);
    this.#isl.push(isl);
  }
}
