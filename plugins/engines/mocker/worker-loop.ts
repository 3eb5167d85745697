/**
 * Walks a worker model on the wall clock: one alarm for the end of the step in progress, on the
 * model's own timetable. The timetable is absolute: a loop that wakes late reports all that was
 * due at once, and is on time again; how late it was is counted and published.
 */
import {
  stepsNs,
  type DecodeRun,
  type WorkerCounts,
  type WorkerModel,
  type WorkerRequest,
  type WorkerSink,
} from "dynbench/engine";
import { Histogram } from "./histogram.ts";
import type { TokenSequence } from "./token-sequences.ts";
import type { Alarm } from "./wall-alarm.ts";

/** The receiver of an answer. May get several tokens at once when the loop was late. */
export interface AnswerListener {
  admitted(cachedTokens: number): void;
  /** Its prompt's KV has arrived from a prefill worker. */
  received?(): void;
  /** Answer tokens `from` to `from + count − 1` exist; the last one when that is the sequence's end. */
  tokens(from: number, count: number): void;
}

/** Receives the changes of the cache. */
export interface CacheEvents {
  /** `tokens`: those of `blocks`, in order; `parent` −1 at a prompt's start. */
  stored(stored: { parent: number; blocks: readonly number[]; tokens: Uint32Array }): void;
  removed(blocks: readonly number[]): void;
  cleared(): void;
  /** All changes since the last call happened in one step. */
  stepEnded(): void;
}

interface LiveRequest {
  readonly sequence: TokenSequence;
  /** Undefined once the client has disconnected. */
  listener: AnswerListener | undefined;
  readonly submittedNs: number;
  made: number;
}

// Every other one of vLLM's buckets or so: enough for a dashboard, and no result is computed from them.
const SECONDS = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80];
const LATENESS_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1];

export class WorkerLoop {
  readonly #model: WorkerModel;
  readonly #alarm: Alarm;
  readonly #events: CacheEvents;
  readonly #startNs: number;
  readonly #live = new Map<number, LiveRequest>();
  /** Aborted requests that the model still holds: until the step in progress has ended. */
  readonly #leaving: number[] = [];
  readonly #abortedInStep: number[] = [];
  #nextId = 0;
  #isAdvancing = false;
  #eventsAtNs = 0;

  /** In seconds of the wall clock. */
  readonly ttft = new Histogram(SECONDS);
  readonly itl = new Histogram(SECONDS);
  readonly e2e = new Histogram(SECONDS);
  readonly queued = new Histogram(SECONDS);
  /** How long after a step's end the loop reported it. */
  readonly lateness = new Histogram(LATENESS_SECONDS);

  constructor(parts: {
    createModel: (sink: WorkerSink) => WorkerModel;
    alarm: Alarm;
    events: CacheEvents;
  }) {
    this.#alarm = parts.alarm;
    this.#events = parts.events;
    this.#startNs = parts.alarm.nowNs();
    this.#model = parts.createModel(this.#sink());
  }

  get counts(): WorkerCounts {
    return this.#model.counts;
  }

  get limits(): WorkerModel["limits"] {
    return this.#model.limits;
  }

  /** True while no request is known to the worker in any state. */
  get isIdle(): boolean {
    return this.#live.size === 0;
  }

  /** Returns the request's number, or why it can never be served. */
  submit(
    sequence: TokenSequence,
    listener: AnswerListener,
    more: Pick<WorkerRequest, "handoff" | "priority"> = {},
  ): number | string {
    const nowNs = this.#advance();
    const id = this.#nextId;
    this.#nextId += 1;
    const { isl, tokens, blocks } = sequence;
    const promptBlocks = Math.floor(isl / this.limits.blockSize);
    const osl = tokens.length - isl;
    this.#live.set(id, {
      sequence,
      listener,
      submittedNs: nowNs,
      made: 0,
    });
    const request = {
      id,
      blocks: blocks.subarray(0, promptBlocks),
      isl,
      osl,
      ...more,
    };
    const refusal = this.#model.submit(request, nowNs);
    if (refusal !== undefined) this.#live.delete(id);
    this.#arm();
    return refusal ?? id;
  }

  /** The client has disconnected. False for requests that are unknown, finished or already aborted. */
  abort(id: number): boolean {
    const live = this.#live.get(id);
    if (live?.listener === undefined) return false;
    live.listener = undefined;
    // A write can find the client disconnected while the model is in the middle of a step.
    if (this.#isAdvancing) {
      this.#abortedInStep.push(id);
      return true;
    }
    const nowNs = this.#advance();
    this.#abortAt(id, nowNs);
    this.#arm();
    return true;
  }

  /** The KV of a request that was kept for a decode worker is not needed any more. */
  release(id: number): void {
    const nowNs = this.#advance();
    this.#model.release(id, nowNs);
    this.#arm();
  }

  resetCache(): boolean {
    const nowNs = this.#advance();
    const done = this.#model.resetCache(nowNs);
    this.#arm();
    return done;
  }

  stop(): void {
    this.#alarm.stop();
  }

  /** Brings the model up to now and returns that time on the model's clock. */
  #advance(): number {
    const nowNs = this.#alarm.nowNs() - this.#startNs;
    const dueNs = this.#model.nextStepNs;
    const isStepOver = dueNs <= nowNs;
    if (isStepOver) this.lateness.observe((nowNs - dueNs) / 1e9);
    const left = this.#leaving.splice(0);
    this.#isAdvancing = true;
    try {
      this.#model.advance(nowNs);
    } finally {
      this.#isAdvancing = false;
    }
    this.#events.stepEnded();
    if (isStepOver || dueNs === Infinity) for (const id of left) this.#live.delete(id);
    else this.#leaving.push(...left);
    for (const id of this.#abortedInStep.splice(0)) this.#abortAt(id, nowNs);
    return nowNs;
  }

  #abortAt(id: number, nowNs: number): void {
    // It ended at this moment: no decode worker will read its KV.
    if (!this.#live.has(id)) return this.#model.release(id, nowNs);
    this.#model.abort(id, nowNs);
    this.#leaving.push(id);
  }

  #arm(): void {
    const nextNs = Math.min(this.#model.nextStepNs, this.#model.nextChangeNs);
    if (nextNs === Infinity) {
      this.#alarm.stop();
      return;
    }
    this.#alarm.set(this.#startNs + nextNs, () => {
      this.#advance();
      this.#arm();
    });
  }

  #sink(): WorkerSink {
    return {
      admitted: ({ id }, cachedTokens, atNs) => {
        const live = this.#live.get(id);
        if (live === undefined) return;
        this.queued.observe((atNs - live.submittedNs) / 1e9);
        live.listener?.admitted(cachedTokens);
      },
      received: ({ id }) => this.#live.get(id)?.listener?.received?.(),
      firstToken: ({ id }, atNs) => {
        const live = this.#live.get(id);
        if (live === undefined) return;
        this.ttft.observe((atNs - live.submittedNs) / 1e9);
        this.#report(live, 1);
      },
      tokens: (requests, run) => this.#tellRun(requests, run),
      lateToken: ({ id }, gapNs) => {
        this.itl.observe(gapNs / 1e9);
        const live = this.#live.get(id);
        if (live !== undefined) this.#report(live, 1);
      },
      finished: ({ id }, atNs) => {
        const live = this.#live.get(id);
        if (live === undefined) return;
        this.e2e.observe((atNs - live.submittedNs) / 1e9);
        this.#live.delete(id);
      },
      preempted: () => {},
      stored: (parent, blocks, atNs) => {
        this.#splitEvents(atNs);
        this.#events.stored({ parent, blocks, tokens: this.#tokensOf(blocks) });
      },
      removed: (blocks, atNs) => {
        this.#splitEvents(atNs);
        this.#events.removed(blocks);
      },
      cleared: (atNs) => {
        this.#splitEvents(atNs);
        this.#events.cleared();
      },
      generatedBlock: ({ id }, index) => this.#live.get(id)!.sequence.blocks[index]!,
    };
  }

  #tellRun(requests: readonly WorkerRequest[], run: DecodeRun): void {
    for (let step = run.fromStep; step < run.fromStep + run.steps; step += 1) {
      this.itl.observe((stepsNs(run, step + 1) - stepsNs(run, step)) / 1e9, requests.length);
    }
    for (const { id } of requests) {
      const live = this.#live.get(id);
      if (live !== undefined) this.#report(live, run.steps);
    }
  }

  #report(live: LiveRequest, count: number): void {
    const from = live.made;
    live.made += count;
    live.listener?.tokens(from, count);
  }

  /** Several steps that are reported together are still several batches, as the engine would have sent them. */
  #splitEvents(atNs: number): void {
    if (atNs !== this.#eventsAtNs) this.#events.stepEnded();
    this.#eventsAtNs = atNs;
  }

  /**
   * Token ids of consecutive blocks. The model names blocks by number alone, so the request they
   * belong to is looked for among those in flight: a few comparisons a request, once a stored run,
   * instead of keeping the tokens of every block ever seen.
   */
  #tokensOf(blocks: readonly number[]): Uint32Array {
    const { blockSize } = this.limits;
    for (const { sequence } of this.#live.values()) {
      const first = sequence.blocks.indexOf(blocks[0]!);
      if (first === -1) continue;
      const end = first + blocks.length;
      if (sequence.blocks[end - 1] !== blocks.at(-1)) continue;
      return sequence.tokens.subarray(first * blockSize, end * blockSize);
    }
    throw new Error(`No request in flight has block ${blocks[0]}`);
  }
}
