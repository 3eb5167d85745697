/**
 * Which requests run and which wait on a worker, and what the next step computes.
 *
 * As vLLM v1 schedules: one token budget a step, running sequences first, in order, then the waiting
 * queue, first come first served or by priority. A waiting request is admitted when its whole prompt
 * fits (`scheduler_reserve_full_isl`, vLLM's default); when a running one finds no free block, the
 * newest is preempted and computed again later, or by priority the one that would be served last.
 */
import type { WorkerLimits, WorkerSink } from "dynbench/engine";
import { Fifo } from "./fifo.ts";
import { Handoffs, type TransferTiming } from "./handoffs.ts";
import { goesBefore, PriorityQueue } from "./priority-queue.ts";
import {
  growBlocks,
  holdHits,
  knownTokens,
  leadingHits,
  releaseBlocks,
  takeBlocks,
  type CacheUse,
  type Sequence,
} from "./sequence.ts";
import type { StepBatch } from "./timing.ts";

export type SchedulingPolicy = "fcfs" | "priority";

type WaitingQueue = Pick<
  Fifo<Sequence>,
  "length" | "first" | "push" | "pushFront" | "shift" | "remove"
>;

export class Batch {
  /** In the order of their admission; a step schedules them first. */
  readonly running: Sequence[] = [];
  readonly waiting: WaitingQueue;
  readonly handoffs: Handoffs;
  /** Every request on the worker by its id, including those that have not reached the queue yet. */
  readonly byId = new Map<number, Sequence>();
  /** What the last formed step computes. */
  readonly sums: StepBatch = { ...EMPTY_SUMS };
  /** Whether a request was preempted for that step; then none was admitted. */
  preempted = false;
  readonly counters = {
    prompt: 0,
    cached: 0,
    transferred: 0,
    generated: 0,
    preemptions: 0,
    finished: 0,
  };
  readonly maxNumSeqs: number;
  readonly #byPriority: boolean;
  readonly #limits: WorkerLimits;
  readonly #use: CacheUse;
  readonly #sink: WorkerSink;
  #budget = 0;

  /** `maxNumSeqs` above `maxNumBatchedTokens` counts as the latter: each running one needs a token a step. */
  constructor(
    limits: WorkerLimits,
    parts: {
      use: CacheUse;
      sink: WorkerSink;
      transfer: TransferTiming;
      policy: SchedulingPolicy;
    },
  ) {
    const { use, sink, transfer, policy } = parts;
    this.#byPriority = policy === "priority";
    this.waiting = this.#byPriority ? new PriorityQueue() : new Fifo();
    this.handoffs = new Handoffs(transfer);
    this.#limits = limits;
    this.#use = use;
    this.#sink = sink;
    this.maxNumSeqs = Math.min(limits.maxNumSeqs, limits.maxNumBatchedTokens);
  }

  /** Whether an arrival could join the next step: no request is ahead of it and a seat is free. */
  canAdmit(arrival: Sequence): boolean {
    const { first } = this.waiting;
    const isAhead = first !== undefined && !(this.#byPriority && goesBefore(arrival, first));
    return !isAhead && this.running.length < this.maxNumSeqs;
  }

  /**
   * Forms the step that starts at `atNs`: blocks are taken and filled, `sums` holds what it computes.
   * False: no request runs, because all blocks are kept for transfers or wait for theirs to end.
   */
  form(atNs: number): boolean {
    Object.assign(this.sums, EMPTY_SUMS);
    this.#budget = this.#limits.maxNumBatchedTokens;
    this.preempted = false;
    this.#scheduleRunning(atNs);
    if (!this.preempted) {
      this.#scheduleArrived(atNs);
      this.#scheduleWaiting(atNs);
      this.#scheduleArrived(atNs); // a transfer that takes no time
    }
    if (this.running.length > 0) return true;
    // It preempted itself: what it held is free again.
    if (this.preempted) return this.form(atNs);
    if (this.handoffs.size === 0) throw new Error("No waiting request fits an empty worker");
    return false;
  }

  /** After `steps` steps, the last ending at `atNs`: counts tokens, removes finished and aborted requests. */
  end(steps: number, atNs: number): void {
    const { running } = this;
    let kept = 0;
    for (const sequence of running) {
      if (!sequence.aborted) this.#countTokens(sequence, steps, atNs);
      if (sequence.aborted) releaseBlocks(sequence, this.#use.cache);
      else if (sequence.generated === sequence.outputTokens) this.#finish(sequence, atNs);
      else running[kept++] = sequence;
    }
    running.length = kept;
  }

  /** Takes a running sequence out between steps. */
  drop(sequence: Sequence): void {
    this.running.splice(this.running.indexOf(sequence), 1);
    releaseBlocks(sequence, this.#use.cache);
  }

  #scheduleRunning(atNs: number): void {
    const { running } = this;
    for (let i = 0; i < running.length;) {
      const sequence = running[i]!;
      const tokens = Math.min(knownTokens(sequence) - sequence.computed, this.#budget);
      while (
        running[i] === sequence &&
        !growBlocks(sequence, sequence.computed + tokens, this.#use)
      ) {
        const at = this.#lastServed();
        const victim = running[at]!;
        running.splice(at, 1);
        if (at < i) {
          this.#takeBack(victim);
          i -= 1;
        }
        this.#preempt(victim, atNs);
      }
      // It preempted itself: vLLM leaves the requests behind it out of this step, here they go on.
      if (running[i] !== sequence) continue;
      this.#add(sequence, tokens);
      i += 1;
    }
  }

  /** Place of the request to preempt. */
  #lastServed(): number {
    const { running } = this;
    let last = running.length - 1;
    if (!this.#byPriority) return last;
    for (let i = last - 1; i >= 0; i -= 1) if (goesBefore(running[last]!, running[i]!)) last = i;
    return last;
  }

  /** A request whose KV has arrived decodes as soon as a seat is free, before any in the queue. */
  #scheduleArrived(atNs: number): void {
    const { arrived } = this.handoffs;
    for (const sequence of this.handoffs.takeEnded(atNs)) {
      sequence.receives = false;
      growBlocks(sequence, sequence.request.isl, this.#use); // it has them; now they can be found
      this.#sink.received(sequence.request, atNs);
      arrived.push(sequence);
    }
    while (this.running.length < this.maxNumSeqs && this.#budget > 0) {
      const sequence = arrived.shift();
      if (sequence === undefined) return;
      this.running.push(sequence);
      // The last prompt token is computed again: it gives the first output token.
      sequence.computed = knownTokens(sequence) - 1;
      sequence.decoding = true;
      this.#add(sequence, 1);
    }
  }

  /** A request that does not fit keeps all behind it waiting. */
  #scheduleWaiting(atNs: number): void {
    const { blockSize } = this.#limits;
    const { cache, prefixCaching } = this.#use;
    while (this.running.length < this.maxNumSeqs && this.#budget > 0) {
      const sequence = this.waiting.first;
      if (sequence === undefined) return;
      const known = knownTokens(sequence);
      // The last token must be computed, so a prompt that is cached whole recomputes its last block.
      const limit = prefixCaching ? Math.floor((known - 1) / blockSize) : 0;
      const { hits, unheld } = leadingHits(sequence, limit, cache);
      if (Math.ceil(known / blockSize) - hits + unheld > cache.free) return;
      this.waiting.shift();
      holdHits(sequence, hits, cache);
      sequence.computed = hits * blockSize;
      this.#announce(sequence, atNs);
      if (sequence.receives) {
        this.#receive(sequence, atNs);
        continue;
      }
      this.running.push(sequence);
      const tokens = Math.min(known - sequence.computed, this.#budget);
      const fits = growBlocks(sequence, sequence.computed + tokens, this.#use);
      if (!fits) throw new Error("A request was let in without KV blocks for its prompt");
      this.#add(sequence, tokens);
    }
  }

  /** Its blocks are read from the prefill worker, except those found here; it holds no seat meanwhile. */
  #receive(sequence: Sequence, atNs: number): void {
    const { request, held } = sequence;
    const fits = takeBlocks(sequence, request.isl, this.#use);
    if (!fits) throw new Error("A request was let in without KV blocks for its prompt");
    this.counters.transferred += request.isl - sequence.computed;
    this.handoffs.start(sequence, sequence.held - held, atNs);
  }

  #announce(sequence: Sequence, atNs: number): void {
    if (sequence.admitted) return;
    sequence.admitted = true;
    this.counters.prompt += sequence.request.isl;
    this.counters.cached += sequence.computed;
    this.#sink.admitted(sequence.request, sequence.computed, atNs);
  }

  #preempt(sequence: Sequence, atNs: number): void {
    if (sequence.decoding && sequence.generated > 0) sequence.lastTokenNs = atNs;
    sequence.decoding = false;
    releaseBlocks(sequence, this.#use.cache);
    this.waiting.pushFront(sequence);
    this.preempted = true;
    this.counters.preemptions += 1;
    this.#sink.preempted(sequence.request, atNs);
  }

  #add(sequence: Sequence, tokens: number): void {
    const { sums } = this;
    if (sequence.decoding) {
      sums.decoders += 1;
      sums.contextTokens += knownTokens(sequence);
    } else {
      sums.prefills += 1;
      sums.prefillTokens += tokens;
      sums.pastTokens += sequence.computed;
      sums.pairs += (tokens * (2 * sequence.computed + tokens + 1)) / 2;
    }
    sequence.stepTokens = tokens;
    sequence.computed += tokens;
    this.#budget -= tokens;
  }

  /** Removes it from the step that is being formed, so that others can use its tokens. */
  #takeBack(sequence: Sequence): void {
    const { sums } = this;
    const tokens = sequence.stepTokens;
    sequence.computed -= tokens;
    this.#budget += tokens;
    if (sequence.decoding) {
      sums.decoders -= 1;
      sums.contextTokens -= knownTokens(sequence);
      return;
    }
    sums.prefills -= 1;
    sums.prefillTokens -= tokens;
    sums.pastTokens -= sequence.computed;
    sums.pairs -= (tokens * (2 * sequence.computed + tokens + 1)) / 2;
  }

  #countTokens(sequence: Sequence, steps: number, atNs: number): void {
    if (sequence.decoding && sequence.generated > 0) {
      sequence.generated += steps;
      sequence.computed += steps - 1; // the first step was counted when it was formed
      return;
    }
    if (sequence.computed < knownTokens(sequence)) return; // a chunk of its prompt
    sequence.decoding = true;
    sequence.generated += 1;
    this.counters.generated += 1;
    if (sequence.generated === 1) this.#sink.firstToken(sequence.request, atNs);
    else this.#sink.lateToken(sequence.request, atNs - sequence.lastTokenNs, atNs);
  }

  #finish(sequence: Sequence, atNs: number): void {
    if (sequence.request.handoff === "send") this.handoffs.keep(sequence);
    else releaseBlocks(sequence, this.#use.cache);
    this.byId.delete(sequence.request.id);
    this.counters.finished += 1;
    this.#sink.finished(sequence.request, atNs);
  }
}

const EMPTY_SUMS: Readonly<StepBatch> = {
  prefills: 0,
  prefillTokens: 0,
  pastTokens: 0,
  pairs: 0,
  decoders: 0,
  contextTokens: 0,
};
