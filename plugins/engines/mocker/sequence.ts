/**
 * A request inside the scheduler, and how its KV blocks grow with its tokens.
 *
 * A sequence holds KV for `computed` tokens. The newest output token is known but not computed yet: it
 * is the input of the next step.
 */
import type { WorkerRequest, WorkerSink } from "dynbench/engine";
import type { KvCache } from "./kv-cache.ts";

export interface Sequence {
  readonly request: WorkerRequest;
  /** Output tokens that it will generate: `osl`, cut to the context limit. */
  readonly outputTokens: number;
  /** When the scheduler sees it. */
  readonly readyNs: number;
  generated: number;
  computed: number;
  /** Makes a token a step: its prompt is done, or came by transfer. */
  decoding: boolean;
  admitted: boolean;
  /** Tokens of it that the last formed step computes. */
  stepTokens: number;
  aborted: boolean;
  /** The KV of its prompt is still to come from a prefill worker. */
  receives: boolean;
  /** Time of its last token, kept when it is preempted. */
  lastTokenNs: number;
  /** Physical blocks, `held` of them. */
  readonly physicals: Int32Array;
  held: number;
  /** Leading blocks that are findable in the cache. */
  cached: number;
  /** Ids of the full blocks after the prompt's, as far as they were asked for. */
  readonly generatedBlocks: number[];
}

/** Tokens of prompt and output so far. */
export function knownTokens(sequence: Sequence): number {
  return sequence.request.isl + sequence.generated;
}

export interface CacheUse {
  readonly cache: KvCache;
  readonly blockSize: number;
  readonly prefixCaching: boolean;
  readonly sink: Pick<WorkerSink, "generatedBlock">;
  stored(parent: number, blocks: readonly number[]): void;
}

/**
 * Takes blocks for the first `tokens` tokens and makes the filled ones findable at once, as vLLM does
 * when it schedules them: later requests of the same step already find them. False, and nothing
 * changed, when there are too few free blocks.
 */
export function growBlocks(sequence: Sequence, tokens: number, use: CacheUse): boolean {
  if (!takeBlocks(sequence, tokens, use)) return false;
  const full = Math.floor(tokens / use.blockSize);
  if (use.prefixCaching && full > sequence.cached) cacheFullBlocks(sequence, full, use);
  return true;
}

/** Takes blocks for the first `tokens` tokens, which cannot be found yet; false when too few are free. */
export function takeBlocks(sequence: Sequence, tokens: number, use: CacheUse): boolean {
  const { cache, blockSize } = use;
  const needed = Math.ceil(tokens / blockSize);
  if (needed - sequence.held > cache.free) return false;
  while (sequence.held < needed) sequence.physicals[sequence.held++] = cache.take();
  return true;
}

function cacheFullBlocks(sequence: Sequence, full: number, use: CacheUse): void {
  const { cache } = use;
  const first = sequence.cached;
  const blocks: number[] = [];
  for (let i = first; i < full; i += 1) {
    const block = fullBlock(sequence, i, use.sink);
    cache.label(sequence.physicals[i]!, block);
    blocks.push(block);
  }
  sequence.cached = full;
  use.stored(first === 0 ? -1 : cache.blockOf(sequence.physicals[first - 1]!), blocks);
}

/** Id of full block `index`; the host is asked once for those that output has filled. */
function fullBlock(
  sequence: Sequence,
  index: number,
  sink: Pick<WorkerSink, "generatedBlock">,
): number {
  const { request, generatedBlocks } = sequence;
  if (index < request.blocks.length) return request.blocks[index]!;
  return (generatedBlocks[index - request.blocks.length] ??= sink.generatedBlock(request, index));
}

/** Leading blocks found in the cache, at most `limit`; and how many of them no request holds. */
export function leadingHits(
  sequence: Sequence,
  limit: number,
  cache: KvCache,
): { hits: number; unheld: number } {
  const { request, generatedBlocks } = sequence;
  let hits = 0;
  let unheld = 0;
  while (hits < limit) {
    const block = request.blocks[hits] ?? generatedBlocks[hits - request.blocks.length];
    const physical = block === undefined ? -1 : cache.find(block);
    if (physical < 0) break;
    if (!cache.isHeld(physical)) unheld += 1;
    hits += 1;
  }
  return { hits, unheld };
}

/** Holds the first `hits` blocks of a sequence that has none yet. */
export function holdHits(sequence: Sequence, hits: number, cache: KvCache): void {
  const { request, generatedBlocks } = sequence;
  for (let i = 0; i < hits; i += 1) {
    const block = request.blocks[i] ?? generatedBlocks[i - request.blocks.length]!;
    const physical = cache.find(block);
    cache.hold(physical);
    sequence.physicals[i] = physical;
  }
  sequence.held = hits;
  sequence.cached = hits;
}

export function releaseBlocks(sequence: Sequence, cache: KvCache): void {
  cache.release(sequence.physicals, sequence.held);
  sequence.held = 0;
  sequence.cached = 0;
  sequence.computed = 0;
}
