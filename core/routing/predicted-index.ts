/**
 * What a router believes to be cached where, from its own decisions alone: each routed prompt is
 * cached where it went, for a time after its last use, and only so much of it per candidate.
 *
 * A prompt is used from its last block to its first, so that a block is always used later than the
 * blocks behind it. Hence what is believed is closed under prefixes, whichever way entries leave:
 * depth is a binary search, and an entry out of date does not count even before it is swept. Sweeping
 * only frees memory, a little with each prompt. Source of the rule: Dynamo 1.6, approximate mode of its
 * KV router (time to live 120 s, renewed by every use).
 */
import type { RoutingPolicy } from "../contract/routing-policy.ts";
import { BlockMap } from "./kv/block-map.ts";

/** Blocks believed per candidate where the policy sets no bound: keeps a router below about 150 MB a worker. */
export const MAX_PREDICTED_BLOCKS = 1 << 22;

/** Entries swept with each prompt beyond twice its own length, so that a pause is caught up with. */
const SWEEP_EXTRA = 64;

const NONE = -1;

export interface PredictedBounds {
  /** Infinity: believed until it is pushed out. */
  readonly ttlNs: number;
  readonly maxBlocks: number;
}

export class PredictedIndex {
  readonly #caches: readonly PredictedCache[];

  constructor(candidates: number, bounds: PredictedBounds) {
    this.#caches = Array.from({ length: candidates }, () => new PredictedCache(bounds));
  }

  /** A prompt with these blocks was sent to the candidate. */
  record(candidate: number, blocks: Int32Array, nowNs: number): void {
    const cache = this.#caches[candidate]!;
    for (let i = blocks.length - 1; i >= 0; i -= 1) cache.use(blocks[i]!, nowNs);
    cache.sweep(nowNs, 2 * blocks.length + SWEEP_EXTRA);
  }

  /** Leading blocks believed cached, per candidate. */
  depths(blocks: Int32Array, nowNs: number, out: Int32Array): void {
    for (let candidate = 0; candidate < out.length; candidate += 1) {
      out[candidate] = this.#caches[candidate]!.depth(blocks, nowNs);
    }
  }

  /** Entries kept for the candidate, believed or not yet swept. */
  kept(candidate: number): number {
    return this.#caches[candidate]!.size;
  }

  clear(candidate: number): void {
    this.#caches[candidate]!.clear();
  }
}

/** The index that a policy declares; undefined where it wants none or one made of events. */
export function predictedIndexOf(
  { index }: RoutingPolicy,
  candidates: number,
): PredictedIndex | undefined {
  if (index?.source !== "predicted") return undefined;
  const { ttlMs = Infinity, maxBlocksPerWorker = MAX_PREDICTED_BLOCKS } = index;
  return new PredictedIndex(candidates, { ttlNs: ttlMs * 1e6, maxBlocks: maxBlocksPerWorker });
}

/** One candidate's entries: a map to slots, and the slots in a list from newest to oldest. */
class PredictedCache {
  readonly #bounds: PredictedBounds;
  /** Block to slot + 1. */
  readonly #slots = new BlockMap();
  #blocks = new Int32Array(0);
  #usedNs = new Float64Array(0);
  #older = new Int32Array(0);
  #newer = new Int32Array(0);
  #newest = NONE;
  #oldest = NONE;
  /** Head of the free slots, chained through `#older`. */
  #free = NONE;

  constructor(bounds: PredictedBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#slots.size;
  }

  use(block: number, nowNs: number): void {
    let slot = this.#slots.get(block) - 1;
    if (slot === NONE) {
      if (this.#slots.size >= this.#bounds.maxBlocks) this.#dropOldest();
      slot = this.#takeFree();
      this.#blocks[slot] = block;
      this.#slots.set(block, slot + 1);
    } else {
      this.#unlink(slot);
    }
    this.#usedNs[slot] = nowNs;
    this.#linkNewest(slot);
  }

  depth(blocks: Int32Array, nowNs: number): number {
    if (blocks.length === 0 || !this.#believes(blocks[0]!, nowNs)) return 0;
    let held = 1;
    let missing = blocks.length + 1;
    while (missing - held > 1) {
      const middle = (held + missing) >>> 1;
      if (this.#believes(blocks[middle - 1]!, nowNs)) held = middle;
      else missing = middle;
    }
    return held;
  }

  sweep(nowNs: number, limit: number): void {
    for (let swept = 0; swept < limit && this.#oldest !== NONE; swept += 1) {
      if (nowNs - this.#usedNs[this.#oldest]! < this.#bounds.ttlNs) return;
      this.#dropOldest();
    }
  }

  clear(): void {
    while (this.#oldest !== NONE) this.#dropOldest();
  }

  #believes(block: number, nowNs: number): boolean {
    const slot = this.#slots.get(block) - 1;
    return slot !== NONE && nowNs - this.#usedNs[slot]! < this.#bounds.ttlNs;
  }

  #dropOldest(): void {
    const slot = this.#oldest;
    this.#unlink(slot);
    this.#slots.delete(this.#blocks[slot]!);
    this.#older[slot] = this.#free;
    this.#free = slot;
  }

  #takeFree(): number {
    if (this.#free === NONE) this.#grow();
    const slot = this.#free;
    this.#free = this.#older[slot]!;
    return slot;
  }

  #unlink(slot: number): void {
    const older = this.#older[slot]!;
    const newer = this.#newer[slot]!;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }

  #linkNewest(slot: number): void {
    this.#older[slot] = this.#newest;
    this.#newer[slot] = NONE;
    if (this.#newest === NONE) this.#oldest = slot;
    else this.#newer[this.#newest] = slot;
    this.#newest = slot;
  }

  #grow(): void {
    const from = this.#blocks.length;
    const to = Math.max(256, 2 * from);
    this.#blocks = enlarged(this.#blocks, new Int32Array(to));
    this.#usedNs = enlarged(this.#usedNs, new Float64Array(to));
    this.#older = enlarged(this.#older, new Int32Array(to));
    this.#newer = enlarged(this.#newer, new Int32Array(to));
    for (let slot = to - 1; slot >= from; slot -= 1) {
      this.#older[slot] = this.#free;
      this.#free = slot;
    }
  }
}

function enlarged<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
