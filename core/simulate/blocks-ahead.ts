/**
 * The blocks of requests between their coming in and their sending, cut once for all their users: policy,
 * workers, and the caches that give the bounds of what any router could have reached.
 */
import { given } from "../base/given.ts";
import { SegmentBlocks, type BlocksOfRequest } from "../routing/kv/segment-blocks.ts";
import { IdealCache } from "../metrics/tally/ideal.ts";
import { PooledRequests } from "../metrics/tally/pooled.ts";
import type { CacheBounds } from "../contract/result.ts";
import type { RequestSpec } from "../contract/request.ts";

export class BlocksAhead {
  readonly #table: SegmentBlocks;
  readonly #ideal: IdealCache;
  readonly #pooled: PooledRequests | undefined;
  readonly #pooledBlocks: number;
  readonly #waiting = new Map<number, BlocksOfRequest>();

  /** `pooledBlocks`: of all caches together, where it is asked what they could serve as one. */
  constructor(blockSize: number, pooledBlocks: number | undefined) {
    this.#table = new SegmentBlocks(blockSize);
    this.#ideal = new IdealCache({ blockSize });
    this.#pooledBlocks = pooledBlocks ?? 0;
    if (pooledBlocks !== undefined) this.#pooled = new PooledRequests(blockSize);
  }

  /** Of the measured requests that came in. */
  get bounds(): CacheBounds {
    const pooled = this.#pooled?.served(this.#pooledBlocks);
    // NaN before the first.
    const idealShare = this.#ideal.shares.ideal || 0;
    return { idealShare, ...given({ pooled }) };
  }

  /** In the workload's order. */
  add(request: RequestSpec, isMeasured: boolean): void {
    const all = this.#table.ofRequest(request);
    this.#ideal.addBlocks(all, isMeasured);
    this.#pooled?.addBlocks(all, isMeasured);
    this.#waiting.set(request.index, all);
  }

  /** Those of a request that is sent now. */
  take(index: number): BlocksOfRequest {
    const blocks = this.#waiting.get(index)!;
    this.#waiting.delete(index);
    return blocks;
  }
}
