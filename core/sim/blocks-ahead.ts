/**
 * The blocks of requests between their coming in and their sending, cut once for all who ask: policy,
 * workers, and the cache without bounds that says what any router could have reached.
 */
import { SegmentBlocks } from "../kv/segment-blocks.ts";
import { IdealCache, type BlocksOfRequest } from "../metrics/ideal.ts";
import type { RequestSpec } from "../request.ts";

export class BlocksAhead {
  readonly #table: SegmentBlocks;
  readonly #ideal: IdealCache;
  readonly #waiting = new Map<number, BlocksOfRequest>();

  constructor(blockSize: number) {
    this.#table = new SegmentBlocks(blockSize);
    this.#ideal = new IdealCache({ blockSize });
  }

  /** Ideal share of the measured requests that came in; NaN before the first. */
  get idealShare(): number {
    return this.#ideal.shares.ideal;
  }

  /** In the workload's order. */
  add({ index, prompt, isl, osl }: RequestSpec, isMeasured: boolean): void {
    const blocks = this.#table.blocksOf(prompt, isl);
    // The last token of an answer is never computed, so it fills no block.
    const answer = { answerOf: index, tokens: Math.max(0, osl - 1) };
    const answerBlocks = this.#table.blocksAfter({ end: this.#table.end, isl }, answer);
    const all = { blocks, answerBlocks, isl };
    this.#ideal.addBlocks(all, isMeasured);
    this.#waiting.set(index, all);
  }

  /** Those of a request that is sent now. */
  take(index: number): BlocksOfRequest {
    const blocks = this.#waiting.get(index)!;
    this.#waiting.delete(index);
    return blocks;
  }
}
