/**
 * What one cache as large as those of all workers together would serve of a cell's requests, in send
 * order: with LRU, which is what perfect routing to such engines could look like, and at most, with
 * Belady's MIN, which no routing over several caches of that size can pass. By the engine's rules, as
 * the ideal is (`ideal.ts`): whole blocks, never the last prompt token, answers stay cached.
 */
import { SegmentBlocks } from "../kv/segment-blocks.ts";
import type { RequestSpec } from "../request.ts";
import { lruCurve } from "../trace/lru-curve.ts";
import { minCurve } from "../trace/min-curve.ts";
import { TraceColumns } from "../trace/trace-columns.ts";
import type { PooledCache } from "./result.ts";

/** 4 bytes each, and some 40 more while the bounds are computed. */
const MAX_BLOCKS = 20_000_000;

/** Fed with the requests in send order, warm-up included. */
export class PooledRequests {
  readonly #blocks: SegmentBlocks;
  readonly #columns: TraceColumns;
  readonly #usable: number[] = [];
  #warmup = 0;
  #isTooLarge = false;

  constructor(blockSize: number) {
    this.#blocks = new SegmentBlocks(blockSize);
    this.#columns = new TraceColumns(blockSize);
  }

  add(
    { index, prompt, isl, osl }: Pick<RequestSpec, "index" | "prompt" | "isl" | "osl">,
    isMeasured: boolean,
  ): void {
    if (this.#columns.totalBlocks > MAX_BLOCKS) this.#isTooLarge = true;
    if (this.#isTooLarge) return;
    const blocks = this.#blocks.blocksOf(prompt, isl);
    const answer = { answerOf: index, tokens: Math.max(0, osl - 1) };
    const answerBlocks = this.#blocks.blocksAfter({ end: this.#blocks.end, isl }, answer);
    this.#columns.add({ isl, osl, blocks: [...blocks, ...answerBlocks] });
    this.#usable.push(Math.max(0, Math.floor((isl - 1) / this.#blocks.blockSize)));
    if (!isMeasured) this.#warmup += 1;
  }

  /** Shares of a cache of `blocks` blocks; undefined for more requests than are kept. */
  served(blocks: number): PooledCache | undefined {
    if (this.#isTooLarge) return undefined;
    const rules = { usable: (row: number) => this.#usable[row]!, firstCounted: this.#warmup };
    return {
      blocks,
      lruShare: lruCurve(this.#columns, rules)(blocks),
      minShare: minCurve(this.#columns, [blocks], rules)[0]!,
    };
  }
}
