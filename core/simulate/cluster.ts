/**
 * The workers of a simulation: one model each, asked when it next changes and jumped from change to
 * change. A worker is advanced in between only where somebody looks: before a policy reads the index,
 * its cache changes up to that moment are reported.
 */
import type { EngineModel } from "../contract/engine.ts";
import {
  stepsNs,
  type DecodeRun,
  type WorkerModel,
  type WorkerRequest,
  type WorkerSink,
} from "../contract/worker-model.ts";
import { NOWHERE } from "../routing/request-life.ts";
import type { SimRequest } from "./sim-request.ts";

export interface ClusterEvents {
  /** The worker must be advanced at that time; earlier calls for it are void. */
  wake(worker: number, atNs: number): void;
  /** Its prefill worker is done, and keeps its blocks until `release`. */
  prefilled(request: SimRequest): void;
  /** Its decode worker has the prompt's KV: call `release`, and not from within. */
  received(request: SimRequest): void;
  firstToken(request: SimRequest, atNs: number): void;
  finished(request: SimRequest, atNs: number): void;
  /** `decoders` requests each made `run.steps` tokens. */
  decoded(decoders: number, run: DecodeRun): void;
  /** One request made a token after a gap that is no step. */
  late(gapNs: number): void;
  /** Gets what each worker caches and evicts. */
  readonly caches: CacheListener;
}

export interface CacheListener {
  stored(worker: number, blocks: readonly number[], atNs: number): void;
  removed(worker: number, blocks: readonly number[], atNs: number): void;
  cleared(worker: number, atNs: number): void;
}

export class Cluster {
  readonly ids: readonly string[];
  readonly #engine: EngineModel;
  readonly #events: ClusterEvents;
  /** Undefined while the worker is dead. */
  readonly #models: (WorkerModel | undefined)[];
  /** Prefill worker that keeps the KV of a request until a decode worker has read it. */
  readonly #keepers = new Map<number, number>();
  /** When each worker is due to be advanced; Infinity when idle. */
  readonly #wakeNs: Float64Array;
  /** Decode steps that each worker has reported, and when it made the last of them. */
  readonly #steps: Float64Array;
  readonly #lastStepNs: Float64Array;
  /** The stretch of steps of each worker that has not been passed on yet, and its decoders. */
  readonly #stretches: Stretch[];
  /** Workers are also woken when only their caches change. */
  #isWatched = false;

  constructor(engine: EngineModel, events: ClusterEvents) {
    const count = engine.workers.length;
    this.ids = engine.workers.map(({ id }) => id);
    this.#engine = engine;
    this.#events = events;
    this.#wakeNs = new Float64Array(count).fill(Infinity);
    this.#steps = new Float64Array(count);
    this.#lastStepNs = new Float64Array(count);
    this.#stretches = engine.workers.map(() => ({ ...NO_STRETCH }));
    this.#models = engine.workers.map((_, worker) => this.#create(worker));
  }

  get size(): number {
    return this.#models.length;
  }

  model(worker: number): WorkerModel | undefined {
    return this.#models[worker];
  }

  /** Why the worker can never serve the request, as the engine reports it; undefined when it was taken. */
  submit(worker: number, request: SimRequest, nowNs: number): string | undefined {
    const part = request.life.stage === "prefill" ? new PrefillPart(request) : request;
    const refusal = this.#models[worker]!.submit(part, nowNs);
    if (refusal === undefined) this.#reschedule(worker);
    return refusal;
  }

  abort(worker: number, requestId: number, nowNs: number): void {
    this.#models[worker]?.abort(requestId, nowNs);
    this.#reschedule(worker);
  }

  /** The KV that a prefill worker keeps of the request, if one does, is no longer needed. */
  release(requestId: number, nowNs: number): void {
    const worker = this.#keepers.get(requestId);
    if (worker === undefined) return;
    this.#keepers.delete(requestId);
    // One that died in between has a successor that ignores it.
    this.#models[worker]?.release(requestId, nowNs);
    this.#reschedule(worker);
  }

  /** The time that `wake` asked for has come; an older call is passed over. */
  advance(worker: number, nowNs: number): void {
    if (this.#wakeNs[worker] !== nowNs) return;
    this.#wakeNs[worker] = Infinity;
    this.#models[worker]?.advance(nowNs);
    this.#reschedule(worker);
  }

  /** Reports every cache change before `nowNs`, and those of steps that are under way at `nowNs`. */
  settleCaches(nowNs: number): void {
    for (const model of this.#models) {
      if (model === undefined || model.nextCacheChangeNs > nowNs) continue;
      // What changes at this very moment comes after what arrives at it, as everywhere.
      model.advance(model.nextChangeNs > nowNs ? nowNs : nowNs - 1);
    }
  }

  /** While true, workers are also woken when only their caches change. */
  watch(isWatched: boolean): void {
    if (isWatched === this.#isWatched) return;
    this.#isWatched = isWatched;
    for (let worker = 0; worker < this.#models.length; worker += 1) this.#reschedule(worker);
  }

  /** Drops the worker with all it holds. The tokens that its requests have until now are reported first. */
  kill(worker: number, nowNs: number): void {
    const model = this.#models[worker];
    if (model === undefined) return;
    if (model.nextChangeNs > nowNs) model.advance(nowNs);
    this.#models[worker] = undefined;
    this.#wakeNs[worker] = Infinity;
  }

  /** A fresh worker in its place, with an empty cache. */
  revive(worker: number): void {
    this.#models[worker] ??= this.#create(worker);
  }

  /** Brings a request's tokens up to date before it is broken off. */
  settle(worker: number, nowNs: number): void {
    const model = this.#models[worker];
    if (model !== undefined && model.nextChangeNs > nowNs) model.advance(nowNs);
  }

  /** The request makes no more tokens here: its count stands. */
  stopCounting(request: SimRequest): void {
    const { worker } = request.life;
    if (worker !== NOWHERE) request.stopCounting(this.#steps[worker]!);
  }

  /** Passes on the decode steps that were kept to be reported in one piece. */
  flush(): void {
    for (const stretch of this.#stretches) this.#passOn(stretch);
  }

  /** When the worker of the request made its last decode step; 0 where it has none. */
  lastTokenNs({ life: { worker } }: SimRequest): number {
    return worker === NOWHERE ? 0 : this.#lastStepNs[worker]!;
  }

  /** A span looked at on the way comes in pieces; they are put together again. */
  #decoded(stretch: Stretch, decoders: number, run: DecodeRun): void {
    const goesOn =
      stretch.decoders === decoders &&
      stretch.spanStartNs === run.spanStartNs &&
      stretch.fromStep + stretch.steps === run.fromStep;
    if (goesOn) {
      stretch.steps += run.steps;
      return;
    }
    this.#passOn(stretch);
    stretch.decoders = decoders;
    stretch.spanStartNs = run.spanStartNs;
    stretch.firstNs = run.firstNs;
    stretch.growthNs = run.growthNs;
    stretch.growth2Ns = run.growth2Ns;
    stretch.fromStep = run.fromStep;
    stretch.steps = run.steps;
  }

  #passOn(stretch: Stretch): void {
    if (stretch.steps > 0) this.#events.decoded(stretch.decoders, stretch);
    stretch.steps = 0;
    stretch.decoders = 0;
  }

  #reschedule(worker: number): void {
    const model = this.#models[worker];
    if (model === undefined) return;
    const changeNs = model.nextChangeNs;
    const nextNs = this.#isWatched ? Math.min(changeNs, model.nextCacheChangeNs) : changeNs;
    if (nextNs >= this.#wakeNs[worker]!) return;
    this.#wakeNs[worker] = nextNs;
    this.#events.wake(worker, nextNs);
  }

  #create(worker: number): WorkerModel {
    const isPrefill = this.#engine.workers[worker]!.role === "prefill";
    const sink = this.#sinkOf(worker);
    return this.#engine.create(worker, isPrefill ? this.#prefillSink(worker, sink) : sink);
  }

  /** Of a worker whose requests are the prefill parts of a simulation's. */
  #prefillSink(worker: number, sink: WorkerSink): WorkerSink {
    return {
      ...sink,
      ...NO_TOKENS,
      admitted: (part, cachedTokens) => {
        (part as PrefillPart).whole.cachedTokens = cachedTokens;
      },
      finished: (part) => {
        this.#keepers.set(part.id, worker);
        this.#events.prefilled((part as PrefillPart).whole);
      },
    };
  }

  #sinkOf(worker: number): WorkerSink {
    const events = this.#events;
    const { caches } = events;
    const steps = this.#steps;
    return {
      admitted: (request, cachedTokens) => {
        // What a decode worker finds of a prompt saves a transfer, and no prefill.
        if (request.handoff === undefined) requestOf(request).cachedTokens = cachedTokens;
      },
      received: (request) => events.received(requestOf(request)),
      firstToken: (request, atNs) => {
        const sim = requestOf(request);
        sim.tokensBefore = 1;
        sim.stepsAtJoin = steps[worker]!;
        events.firstToken(sim, atNs);
      },
      tokens: (requests, run) => {
        steps[worker]! += run.steps;
        this.#lastStepNs[worker] = endOf(run);
        this.#decoded(this.#stretches[worker]!, requests.length, run);
      },
      lateToken: (request, gapNs) => {
        const sim = requestOf(request);
        sim.tokensBefore += 1;
        sim.stepsAtJoin = steps[worker]!;
        events.late(gapNs);
      },
      finished: (request, atNs) => {
        requestOf(request).stopCounting(steps[worker]!);
        events.finished(requestOf(request), atNs);
      },
      preempted: (request) => requestOf(request).stopCounting(steps[worker]!),
      stored: (_parent, blocks, atNs) => caches.stored(worker, blocks, atNs),
      removed: (blocks, atNs) => caches.removed(worker, blocks, atNs),
      cleared: (atNs) => caches.cleared(worker, atNs),
      generatedBlock: (request, index) => requestOf(request).generatedBlock(index),
    };
  }
}

/** No token of a prefill worker goes to a client. */
const NO_TOKENS = { received() {}, firstToken() {}, tokens() {}, lateToken() {}, preempted() {} };

/** What a prefill worker gets of a request: its prompt and one token, whose KV is handed on. */
class PrefillPart implements WorkerRequest {
  readonly whole: SimRequest;
  readonly id: number;
  readonly blocks: Int32Array;
  readonly isl: number;
  readonly priority: number;
  /** The token that ends a prefill; its client gets the decode worker's instead. */
  readonly osl = 1;
  readonly handoff = "send";

  constructor(whole: SimRequest) {
    this.whole = whole;
    this.id = whole.id;
    this.blocks = whole.blocks;
    this.isl = whole.isl;
    this.priority = whole.priority;
  }
}

type Stretch = { -readonly [K in keyof DecodeRun]: DecodeRun[K] } & { decoders: number };

const NO_STRETCH: Stretch = {
  decoders: 0,
  spanStartNs: 0,
  firstNs: 0,
  growthNs: 0,
  growth2Ns: 0,
  fromStep: 0,
  steps: 0,
};

/** Every request that a simulation submits is one of its own. */
function requestOf(request: WorkerRequest): SimRequest {
  return request as SimRequest;
}

function endOf(run: DecodeRun): number {
  return run.spanStartNs + stepsNs(run, run.fromStep + run.steps);
}
