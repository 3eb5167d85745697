/**
 * The contract of a simulated worker: a pure state machine of one engine process, in integer
 * nanoseconds. The live mocker walks it step by step on the wall clock, the simulator jumps from
 * change to change on a virtual clock; both see the same times, because both ask the same object.
 *
 * It speaks in spans. While the batch does not change, step k (from 0) of a span ends at
 * `startNs + round(stepsNs(k + 1))`, with stepsNs(n) = n·first + growth·n(n−1)/2 +
 * growth2·(n−1)n(2n−1)/6: each step k takes first + k·growth + k²·growth2.
 */

/** A run of decode steps in which the same requests each made one token a step. */
export interface DecodeRun {
  /** Start of the span, absolute. */
  readonly spanStartNs: number;
  readonly firstNs: number;
  readonly growthNs: number;
  readonly growth2Ns: number;
  /** First step of the span in this run and number of steps: a span may be told in pieces. */
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
   * Prefill and decode on different workers. `send`: when it is finished its blocks are kept for a
   * decode worker, until `release`. `receive`: the prompt's KV comes from a prefill worker, all but
   * the blocks that are cached here.
   */
  readonly handoff?: "send" | "receive";
}

/** Effects of a model, told in order of time. The host gives the meaning: sockets or heap events. */
export interface WorkerSink {
  /** Taken from the waiting queue into the batch for the first time; `cachedTokens` were found in the cache. */
  admitted(request: WorkerRequest, cachedTokens: number, atNs: number): void;
  /** The KV of a `receive` request is here: who computed it may let go of it. */
  received(request: WorkerRequest, atNs: number): void;
  /** Its first output token left, at the end of the step that finished the prompt. */
  firstToken(request: WorkerRequest, atNs: number): void;
  /** Each of these requests made `run.steps` further tokens. The array is reused: copy what you keep. */
  tokens(requests: readonly WorkerRequest[], run: DecodeRun): void;
  /** One further token after a gap that is not a step: the first one after a preemption. */
  lateToken(request: WorkerRequest, gapNs: number, atNs: number): void;
  /** All `osl` tokens have left (told after its last token). */
  finished(request: WorkerRequest, atNs: number): void;
  /** Thrown out of the batch to be recomputed later. */
  preempted(request: WorkerRequest, atNs: number): void;
  /** Blocks became findable in the cache; `parent` is the block before the first, −1 at a prompt's start. */
  stored(parent: number, blocks: readonly number[], atNs: number): void;
  /** One copy of each block was evicted. The same block can be stored twice and removed twice. */
  removed(blocks: readonly number[], atNs: number): void;
  /** The whole cache was dropped. */
  cleared(atNs: number): void;
  /**
   * Id of full block `index` (0 = first block of the prompt) of a request, asked once output has
   * filled a block that the prompt did not. The host knows which tokens these are.
   */
  generatedBlock(request: WorkerRequest, index: number): number;
}

/** Sizes of a worker, in vLLM v1's terms. */
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
   * A request arrives. An idle worker starts a step at `nowNs` (plus the timing's fixed request cost),
   * together with everything else submitted at that instant; a busy one considers it when the step
   * in progress ends. `nowNs` must not lie before an earlier call's. Returns why it can never be
   * served, in the engine's words, or nothing.
   */
  submit(request: WorkerRequest, nowNs: number): string | undefined;
  /** The client went away: its blocks are freed when the step in progress ends. Unknown ids are ignored. */
  abort(requestId: number, nowNs: number): void;
  /** A finished `send` request is needed no more: its blocks are free, and stay cached. Unknown ids are ignored. */
  release(requestId: number, nowNs: number): void;
  /** Finishes every step that ends at or before `toNs`, telling the sink, and starts the next ones. */
  advance(toNs: number): void;
  /**
   * When the step in progress ends, or the next one starts (which is then formed by `advance`);
   * Infinity when idle. The live host walks from one to the next.
   */
  readonly nextStepNs: number;
  /** When the batch next changes by itself (a prefill step ends, a request finishes, blocks run out); Infinity when idle. */
  readonly nextChangeNs: number;
  /** When the cache next changes by itself, at the latest: the simulator advances a worker to here before it lets a policy look. */
  readonly nextCacheChangeNs: number;
  /** Drops the prefix cache; false while requests run. `cleared` is told with the next step, as vLLM does. */
  resetCache(nowNs: number): boolean;
  /** For gauges and invariants. */
  readonly counts: WorkerCounts;
}

export interface WorkerCounts {
  readonly running: number;
  /** Those whose KV is on its way among them. */
  readonly waiting: number;
  /** Blocks held by running requests, and those kept for or filled by a transfer. */
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
