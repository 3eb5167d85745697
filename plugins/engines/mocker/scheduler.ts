/**
 * The pure model of one engine worker, in spans.
 *
 * `Batch` decides what a step computes; this file decides when. While only decoding goes on it looks
 * as far ahead as the batch stays the same: the host can walk those steps one by one or jump over
 * them, with equal times, tokens and cache changes.
 */
import type {
  WorkerCounts,
  WorkerLimits,
  WorkerModel,
  WorkerRequest,
  WorkerSink,
} from "dynbench/engine";
import { checkSizes, newSequence, refusalOf } from "./admission.ts";
import { Batch, type SchedulingPolicy } from "./batch.ts";
import { BlockTimetable } from "./block-timetable.ts";
import { CacheChanges } from "./cache-changes.ts";
import { Fifo } from "./fifo.ts";
import type { TransferTiming } from "./handoffs.ts";
import { KvCache } from "./kv-cache.ts";
import { growBlocks, releaseBlocks, type CacheUse, type Sequence } from "./sequence.ts";
import { StepSpan } from "./step-span.ts";
import type { DecodeSteps, StepTiming } from "./timing.ts";

export interface WorkerModelOptions {
  readonly limits: WorkerLimits;
  readonly timing: StepTiming;
  /** How much faster than the modelled hardware: every duration is divided by it before rounding. */
  readonly timeScale: number;
  readonly prefixCaching: boolean;
  /** How long KV from a prefill worker takes, at the speed of the modelled hardware; no time when left out. */
  readonly transfer?: TransferTiming;
  /** Which requests are admitted first and preempted last; `fcfs` when left out, as in vLLM. */
  readonly policy?: SchedulingPolicy;
}

/**
 * A worker that reports to `sink` what has happened when it is advanced.
 *
 * An arrival reaches the scheduler `timing.requestCostMs` after `submit`. A step that starts at time t
 * takes in everything that was submitted up to and including t, so it is formed only when time moves on:
 * after `advance(t)` ended a step at t, `nextStepNs` is t itself, and the next `advance` starts the step.
 * An output that would pass `maxModelLen` is cut to it, as vLLM does; a prompt that leaves no room for
 * a token is refused.
 */
export function createWorkerModel(options: WorkerModelOptions, sink: WorkerSink): WorkerModel {
  return new SpanScheduler(options, sink);
}

class SpanScheduler implements WorkerModel {
  readonly limits: WorkerLimits;
  readonly #sink: WorkerSink;
  readonly #timing: StepTiming;
  readonly #timeScale: number;
  readonly #requestCostNs: number;

  readonly #cache: KvCache;
  readonly #changes: CacheChanges;
  readonly #use: CacheUse;
  readonly #batch: Batch;
  /** Submitted, but still in the API server. */
  readonly #arriving = new Fifo<Sequence>();

  /** The steps in progress; undefined between two spans and when idle. */
  #span: StepSpan | undefined;
  readonly #reusedSpan = new StepSpan();
  /** When the next span starts, while there is none; Infinity when idle. */
  #startNs = Infinity;
  #lastEndNs = 0;
  #nowNs = 0;
  #clearedUntold = false;

  /** The requests that get a token in each step of the span. */
  #generating: WorkerRequest[] = [];
  /** Block work of the span's steps from 1 on, and how far it is done. */
  readonly #timetable: BlockTimetable;
  readonly #covered: Float64Array;
  #blocksDone = 0;
  readonly #decodeSteps: DecodeSteps = { firstNs: 0, growthNs: 0, growth2Ns: 0, steps: 0 };

  constructor(options: WorkerModelOptions, sink: WorkerSink) {
    const { limits, timing, timeScale, prefixCaching, transfer, policy = "fcfs" } = options;
    checkSizes(limits, timeScale);
    this.limits = limits;
    this.#sink = sink;
    this.#timing = timing;
    this.#timeScale = timeScale;
    this.#requestCostNs = Math.round((timing.requestCostMs * 1e6) / timeScale);
    this.#changes = new CacheChanges(sink);
    this.#cache = new KvCache(limits.kvBlocks, (block) => this.#changes.add(block));
    this.#use = {
      cache: this.#cache,
      blockSize: limits.blockSize,
      prefixCaching,
      sink,
      stored: (parent, blocks) => this.#changes.add({ parent, blocks }),
    };
    this.#batch = new Batch(limits, {
      use: this.#use,
      sink,
      policy,
      transfer: {
        latencyNs: (transfer?.latencyNs ?? 0) / timeScale,
        perBlockNs: (transfer?.perBlockNs ?? 0) / timeScale,
      },
    });
    this.#timetable = new BlockTimetable(limits.blockSize);
    this.#covered = new Float64Array(this.#batch.maxNumSeqs);
  }

  submit(request: WorkerRequest, nowNs: number): string | undefined {
    const refusal = refusalOf(request, this.limits);
    if (refusal !== undefined) return refusal;
    this.#settle(nowNs);
    const batch = this.#batch;
    if (batch.byId.has(request.id)) throw new Error(`Worker request ${request.id} submitted twice`);
    const sequence = newSequence(request, this.limits, nowNs + this.#requestCostNs);
    batch.byId.set(request.id, sequence);
    this.#arriving.push(sequence);
    // Behind a blocked queue, or with every seat taken, an arrival changes nothing: no cut.
    if (this.#span === undefined) this.#startNs = Math.min(this.#startNs, sequence.readyNs);
    else if (batch.canAdmit(sequence)) this.#cut(this.#span, sequence.readyNs);
    return undefined;
  }

  abort(requestId: number, nowNs: number): void {
    this.#settle(nowNs);
    const batch = this.#batch;
    const sequence = batch.byId.get(requestId);
    if (sequence === undefined) return;
    batch.byId.delete(requestId);
    const span = this.#span;
    const isReceiving = batch.handoffs.remove(sequence);
    if (isReceiving) releaseBlocks(sequence, this.#cache);
    const queued = isReceiving || this.#arriving.remove(sequence) || batch.waiting.remove(sequence);
    if (span === undefined) {
      if (!queued) batch.drop(sequence);
      this.#startNs = Math.max(nowNs, this.#nextStartNs());
      return;
    }
    if (!queued) {
      sequence.aborted = true;
      this.#generating = this.#generating.filter((other) => other !== sequence.request);
    }
    this.#cut(span, nowNs); // also for a queued one: the request behind it may fit
  }

  release(requestId: number, nowNs: number): void {
    this.#settle(nowNs);
    const sequence = this.#batch.handoffs.unkeep(requestId);
    if (sequence === undefined) return;
    releaseBlocks(sequence, this.#cache);
    if (this.#span !== undefined)
      this.#cut(this.#span, nowNs); // a request that waits for blocks may fit
    else this.#startNs = Math.max(nowNs, this.#nextStartNs());
  }

  advance(toNs: number): void {
    if (toNs < this.#nowNs) return;
    if (this.#span === undefined && this.#startNs <= toNs) this.#start(this.#startNs);
    this.#settle(toNs);
  }

  get nextStepNs(): number {
    return this.#span === undefined ? this.#startNs : this.#span.endNs(this.#span.done + 1);
  }

  get nextChangeNs(): number {
    return this.#span === undefined ? this.#startNs : this.#span.endNs(this.#span.steps);
  }

  get nextCacheChangeNs(): number {
    const span = this.#span;
    // A span is formed after everything that is submitted at its start, so strictly later.
    if (span === undefined) return this.#startNs + 1;
    if (!this.#changes.isEmpty) return span.endNs(1);
    const step = this.#timetable.nextStep(this.#blocksDone, span.steps);
    if (step >= span.steps) return span.endNs(span.steps);
    return span.endNs(step + 1);
  }

  resetCache(nowNs: number): boolean {
    this.#settle(nowNs);
    if (this.#batch.running.length > 0 || this.#batch.handoffs.size > 0) return false;
    this.#cache.reset();
    this.#clearedUntold = true;
    return true;
  }

  get counts(): WorkerCounts {
    const { counters, running, waiting, handoffs } = this.#batch;
    return {
      running: running.length,
      waiting: waiting.length + this.#arriving.length + handoffs.waiting,
      activeBlocks: this.#cache.capacity - this.#cache.free,
      promptTokens: counters.prompt,
      cachedTokens: counters.cached,
      transferredTokens: counters.transferred,
      generatedTokens: counters.generated,
      preemptions: counters.preemptions,
      finished: counters.finished,
    };
  }

  /** Ends all steps that end by `toNs` and starts the spans that start before it. */
  #settle(toNs: number): void {
    if (toNs < this.#nowNs) throw new Error(`Worker time went back: ${this.#nowNs} to ${toNs}`);
    this.#nowNs = toNs;
    for (;;) {
      if (this.#span !== undefined) {
        this.#walk(this.#span, toNs);
        if (this.#span !== undefined) return;
      } else if (this.#startNs < toNs) this.#start(this.#startNs);
      else return;
    }
  }

  #start(atNs: number): void {
    if (this.#clearedUntold) this.#changes.add("cleared");
    this.#clearedUntold = false;
    const batch = this.#batch;
    while (this.#arriving.first !== undefined && this.#arriving.first.readyNs <= atNs) {
      batch.waiting.push(this.#arriving.shift()!);
    }
    if (!batch.form(atNs)) {
      this.#tellNews(atNs);
      this.#startNs = this.#nextEventNs(atNs);
      return;
    }
    const span = this.#reusedSpan;
    span.start(atNs, this.#timeSteps(span));
    this.#span = span;
    this.#startNs = Infinity;
    this.#blocksDone = 1; // forming the step did the block work of step 0
    this.#generating.length = 0;
    for (const sequence of batch.running) {
      if (sequence.decoding && sequence.generated > 0) this.#generating.push(sequence.request);
    }
    const next = this.#arriving.find((sequence) => batch.canAdmit(sequence));
    if (next !== undefined) this.#cut(span, next.readyNs);
    const transferNs = batch.handoffs.nextNs;
    if (transferNs < Infinity) this.#cut(span, transferNs);
  }

  /** Sets the span's polynomial for the batch just formed; returns how many steps it may have. */
  #timeSteps(span: StepSpan): number {
    const { sums, preempted } = this.#batch;
    if (sums.prefills > 0) {
      span.firstNs = this.#timing.mixedStepNs(sums) / this.#timeScale;
      span.growthNs = 0;
      span.growth2Ns = 0;
      return 1;
    }
    const decode = this.#decodeSteps;
    this.#timing.decodeSteps(sums.decoders, sums.contextTokens, decode);
    span.firstNs = decode.firstNs / this.#timeScale;
    span.growthNs = decode.growthNs / this.#timeScale;
    span.growth2Ns = decode.growth2Ns / this.#timeScale;
    // After a preemption the waiting queue was not looked at: look again after one step.
    return preempted ? 1 : this.#stepsWithSameBatch(decode.steps);
  }

  /** How many steps a batch of decoders stays as it is, if no request arrives or leaves. */
  #stepsWithSameBatch(timingSteps: number): number {
    const { running } = this.#batch;
    let steps = timingSteps;
    for (let i = 0; i < running.length; i += 1) {
      const sequence = running[i]!;
      if (sequence.generated === 0) return 1; // its first token is reported by itself
      steps = Math.min(steps, sequence.outputTokens - sequence.generated);
      this.#covered[i] = sequence.computed;
    }
    if (steps === 1) return 1;
    this.#timetable.build(this.#covered, running.length, this.#use.prefixCaching);
    return 1 + this.#timetable.affordableSteps(this.#cache.free, steps - 1);
  }

  /** Ends the span with the step in progress at `atNs`, or at once when a step has just ended then. */
  #cut(span: StepSpan, atNs: number): void {
    span.steps = Math.min(span.steps, span.endingFrom(atNs));
    if (span.steps === span.done) this.#endSpan(span);
  }

  /** Reports what happened in the span until `toNs`. */
  #walk(span: StepSpan, toNs: number): void {
    const from = span.done;
    const done = span.endedBy(toNs);
    if (done > 0 && !this.#changes.isEmpty) this.#tellNews(span.endNs(1));
    this.#workBlocks(span, done);
    if (done === from) return;
    span.done = done;
    if (this.#generating.length > 0) {
      this.#batch.counters.generated += this.#generating.length * (done - from);
      this.#sink.tokens(this.#generating, {
        spanStartNs: span.startNs,
        firstNs: span.firstNs,
        growthNs: span.growthNs,
        growth2Ns: span.growth2Ns,
        fromStep: from,
        steps: done - from,
      });
    }
    if (done === span.steps) this.#endSpan(span);
  }

  #endSpan(span: StepSpan): void {
    this.#lastEndNs = span.endNs(span.steps);
    this.#span = undefined;
    this.#batch.end(span.steps, this.#lastEndNs);
    this.#startNs = this.#nextStartNs();
  }

  /** Takes and fills blocks in the first `until` steps: their events are reported when the step has run. */
  #workBlocks(span: StepSpan, until: number): void {
    if (until <= this.#blocksDone) return;
    let step = this.#timetable.nextStep(this.#blocksDone, until);
    while (step < until) {
      this.#changes.release(span.endNs(step + 1));
      for (const i of this.#timetable.at(step)) {
        const sequence = this.#batch.running[i]!;
        const fits = growBlocks(sequence, this.#covered[i]! + step, this.#use);
        if (!fits) throw new Error("A decode span outgrew the free KV blocks");
      }
      step = this.#timetable.nextStep(step + 1, until);
    }
    this.#blocksDone = until;
    this.#changes.hold();
  }

  #tellNews(atNs: number): void {
    this.#changes.release(atNs);
    this.#changes.hold();
  }

  #nextStartNs(): number {
    const { running, waiting, handoffs } = this.#batch;
    const isBusy = running.length > 0 || waiting.length > 0 || handoffs.arrived.length > 0;
    return isBusy ? this.#lastEndNs : this.#nextEventNs(this.#lastEndNs);
  }

  /** When something comes that can run, not before `fromNs`; Infinity when nothing is under way. */
  #nextEventNs(fromNs: number): number {
    const arrivalNs = this.#arriving.first?.readyNs ?? Infinity;
    return Math.max(fromNs, Math.min(arrivalNs, this.#batch.handoffs.nextNs));
  }
}
