/**
 * How much of the prompts any router could have found cached: the hits of one unbounded cache that
 * sees every request in send order. Also the share that round robin can expect when each worker has
 * such a cache. Both follow the engine's rules: whole blocks from the prompt's start, and never the
 * last prompt token, which must be computed to make an answer (vLLM v1, `get_computed_blocks`).
 */
import type { RequestSpec } from "../../contract/request.ts";
import { SegmentBlocks, type BlocksOfRequest } from "../../routing/kv/segment-blocks.ts";

export interface IdealOptions {
  /** Tokens per KV block. */
  readonly blockSize: number;
  /** Number of workers behind round robin; when left out, its share is not computed. */
  readonly workers?: number;
}

/** Shares of prompt tokens, 0 to 1; NaN before the first measured request. */
export interface IdealShares {
  readonly ideal: number;
  readonly roundRobin: number;
}

/** Takes the requests in send order, warm-up included. */
export class IdealCache {
  readonly #blockSize: number;
  readonly #blocks: SegmentBlocks;
  readonly #shared = new BlockSet(1);
  readonly #dealt: BlockSet | undefined;
  readonly #workers: number;
  #requests = 0;
  #promptTokens = 0;
  #idealTokens = 0;
  #roundRobinTokens = 0;

  constructor(options: IdealOptions) {
    this.#blockSize = options.blockSize;
    this.#blocks = new SegmentBlocks(options.blockSize);
    this.#workers = options.workers ?? 0;
    this.#dealt = options.workers === undefined ? undefined : new BlockSet(options.workers);
  }

  /** Serves a request; with `measured` false it fills the caches and is not counted. */
  add(request: Pick<RequestSpec, "index" | "prompt" | "isl" | "osl">, measured = true): void {
    this.addBlocks(this.#blocks.ofRequest(request), measured);
  }

  /** The same for a request whose blocks have ids already, equal for equal content and history. */
  addBlocks({ blocks, answerBlocks, isl }: BlocksOfRequest, measured: boolean): void {
    const usable = Math.max(0, Math.floor((isl - 1) / this.#blockSize));
    const worker = this.#requests % this.#workers;
    const shared = this.#shared.leading(blocks, 0, usable);
    const dealt = this.#dealt?.leading(blocks, worker, usable) ?? NaN;
    for (const added of [blocks, answerBlocks]) {
      this.#shared.add(added, 0);
      this.#dealt?.add(added, worker);
    }
    this.#requests += 1;
    if (!measured) return;
    this.#promptTokens += isl;
    this.#idealTokens += shared * this.#blockSize;
    this.#roundRobinTokens += dealt * this.#blockSize;
  }

  get shares(): IdealShares {
    return {
      ideal: this.#idealTokens / this.#promptTokens,
      roundRobin: this.#roundRobinTokens / this.#promptTokens,
    };
  }
}

/** Both shares of a list of requests in send order. */
export function idealShares(
  requests: Iterable<Pick<RequestSpec, "index" | "prompt" | "isl" | "osl">>,
  options: IdealOptions & { readonly warmup?: number },
): IdealShares {
  const cache = new IdealCache(options);
  let position = 0;
  for (const request of requests) {
    cache.add(request, position >= (options.warmup ?? 0));
    position += 1;
  }
  return cache.shares;
}

/** Which blocks each of `owners` holds: one bit per (block, owner), for ids that are dense from 0. */
class BlockSet {
  readonly #owners: number;
  #bits = new Uint32Array(1024);

  constructor(owners: number) {
    this.#owners = owners;
  }

  /** Leading blocks that `owner` holds, at most `limit`. */
  leading(blocks: Int32Array, owner: number, limit: number): number {
    const end = Math.min(limit, blocks.length);
    let count = 0;
    while (count < end && this.#has(blocks[count]! * this.#owners + owner)) count += 1;
    return count;
  }

  add(blocks: Int32Array, owner: number): void {
    for (let i = 0; i < blocks.length; i += 1) {
      const bit = blocks[i]! * this.#owners + owner;
      const word = Math.floor(bit / 32);
      if (word >= this.#bits.length) this.#grow(word);
      this.#bits[word]! |= 1 << (bit % 32);
    }
  }

  #has(bit: number): boolean {
    const word = Math.floor(bit / 32);
    return word < this.#bits.length && (this.#bits[word]! & (1 << (bit % 32))) !== 0;
  }

  #grow(word: number): void {
    const grown = new Uint32Array(Math.max(word + 1, this.#bits.length * 2));
    grown.set(this.#bits);
    this.#bits = grown;
  }
}
