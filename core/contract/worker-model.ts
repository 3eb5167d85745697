/**
 * The contract of a simulated worker: a pure state machine of one engine process, in integer
 * nanoseconds. The live mocker advances it step by step on the wall clock, the simulator from change
 * to change on a virtual clock. Both get the same times, because both use the same object.
 *
 * Decode steps are reported in spans. While the batch does not change, step k (from 0) of a span takes
 * first + k·growth + k²·growth2, because each step adds one token to every context. So step k ends at
 * `startNs + round(stepsNs(k + 1))`, where stepsNs(n) is the sum of the first n steps:
 * n·first + growth·n(n−1)/2 + growth2·(n−1)n(2n−1)/6.
 */

/** Decode steps in which the same requests each produced one token a step. */
export interface DecodeRun {
  /** Start of the span, absolute. */
  readonly spanStartNs: number;
  readonly firstNs: number;
  readonly growthNs: number;
  readonly growth2Ns: number;
  /** First step of the span in this run, and number of steps: a span may be reported in several runs. */
  readonly fromStep: number;
  readonly steps: number;
}

/** End of step `n − 1` of a span, relative to the span's start, in integer nanoseconds. */
export function stepsNs(
  span: Pick<DecodeRun, "firstNs" | "growthNs" | "growth2Ns">,
  n: number,
): number {
  return Math.round(
    n * span.firstNs +
      (span.growthNs * n * (n - 1)) / 2 +
      (span.growth2Ns * (n - 1) * n * (2 * n - 1)) / 6,
  );
}

/** A request as a worker sees it. Block ids are dense integers from 0, equal for equal content and history. */
export interface WorkerRequest {
  /** The host's number for it, unique within the worker. */
  readonly id: number;
  /** Ids of the full prompt blocks: `floor(isl / blockSize)` of them. */
  readonly blocks: Int32Array;
  readonly isl: number;
  readonly osl: number;
  /** Higher is served earlier, by a worker that schedules by priority; 0 when left out. */
  readonly priority?: number;
  /**
   * Set where prefill and decode are on different workers. `send`: after the request has finished, its
   * blocks are kept for a decode worker until `release`. `receive`: the KV of the prompt comes from a
   * prefill worker, except for the blocks that are cached here.
   */
  readonly handoff?: "send" | "receive";
}

/** Receives the effects of a model in order of time. The host turns them into bytes on sockets or events of a simulation. */
export interface WorkerSink {
  /** The request entered the batch for the first time; `cachedTokens` of its prompt were found in the cache. */
  admitted(request: WorkerRequest, cachedTokens: number, atNs: number): void;
  /** The KV of a `receive` request has arrived: the prefill worker may release its copy. */
  received(request: WorkerRequest, atNs: number): void;
  /** Its first output token was produced, at the end of the step that finished the prompt. */
  firstToken(request: WorkerRequest, atNs: number): void;
  /** Each of these requests produced `run.steps` further tokens. The array is reused: copy it to keep it. */
  tokens(requests: readonly WorkerRequest[], run: DecodeRun): void;
  /** One further token after a gap that is not a step: the first one after a preemption. */
  lateToken(request: WorkerRequest, gapNs: number, atNs: number): void;
  /** All `osl` tokens were produced; called after the call for its last token. */
  finished(request: WorkerRequest, atNs: number): void;
  /** Removed from the batch, to be recomputed later. */
  preempted(request: WorkerRequest, atNs: number): void;
  /** Blocks were added to the cache; `parent` is the block before the first, −1 at a prompt's start. */
  stored(parent: number, blocks: readonly number[], atNs: number): void;
  /** One copy of each block was evicted. A block can be stored twice, and is then removed twice. */
  removed(blocks: readonly number[], atNs: number): void;
  /** The whole cache was dropped. */
  cleared(atNs: number): void;
  /**
   * Returns the id of full block `index` (0 = first block of the prompt) of a request. Called when
   * output tokens have filled a block that the prompt did not; only the host knows these tokens.
   */
  generatedBlock(request: WorkerRequest, index: number): number;
}

/** Sizes of a worker, under vLLM v1's names. */
export interface WorkerLimits {
  readonly blockSize: number;
  readonly kvBlocks: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly maxModelLen: number;
}

export interface WorkerModel {
  readonly limits: WorkerLimits;
  /**
   * A request arrives. An idle worker starts a step at `nowNs` (plus the timing's fixed cost of a
   * request), together with everything else submitted at that time; a busy one schedules it when the
   * step in progress ends. `nowNs` must not be before that of an earlier call. Returns the engine's
   * error message for a request that can never be served, else undefined.
   */
  submit(request: WorkerRequest, nowNs: number): string | undefined;
  /** The client disconnected: the request's blocks are freed when the step in progress ends. Unknown ids are ignored. */
  abort(requestId: number, nowNs: number): void;
  /** A finished `send` request was received elsewhere: its blocks are free, and stay cached. Unknown ids are ignored. */
  release(requestId: number, nowNs: number): void;
  /** Finishes every step that ends at or before `toNs`, reports it to the sink, and starts the next step. */
  advance(toNs: number): void;
  /**
   * When the step in progress ends, or when the next one starts (which `advance` then forms);
   * Infinity when idle. The live host calls `advance` at each.
   */
  readonly nextStepNs: number;
  /** When the batch next changes without a call (a prefill step ends, a request finishes, blocks run out); Infinity when idle. */
  readonly nextChangeNs: number;
  /** The cache does not change before this time without a call, so a simulator need not advance the worker earlier for a policy that reads its cache. */
  readonly nextCacheChangeNs: number;
  /** Drops the prefix cache; returns false while requests run. The sink's `cleared` is called with the next step, as in vLLM. */
  resetCache(nowNs: number): boolean;
  /** For gauges, and for tests of invariants. */
  readonly counts: WorkerCounts;
}

export interface WorkerCounts {
  readonly running: number;
  /** Includes those whose KV is being transferred. */
  readonly waiting: number;
  /** Blocks held by running requests, and blocks kept for a transfer or filled by one. */
  readonly activeBlocks: number;
  /** Counters since the start. */
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Prompt tokens that came from a prefill worker. */
  readonly transferredTokens: number;
  readonly generatedTokens: number;
  readonly preemptions: number;
  readonly finished: number;
}
