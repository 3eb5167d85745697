/**
 * Sends a cell's requests by its load shape and hands out their records.
 *
 * Closed loop: each slot sends its next request the moment its last one ended. Open loop: one absolute
 * timetable that nothing moves. Either way a request knows when it should have been sent, and what the
 * generator itself delays counts as latency. Warm-up is a phase of its own that is drained first.
 */
import { monotonicNs } from "../system/clock.ts";
import { HttpClient, type ClientOptions, type HttpTarget } from "../wire/http/client.ts";
import type { LoadShape } from "../contract/plan.ts";
import type { RequestBody } from "../prompt/body.ts";
import type { RandomStream } from "../base/random.ts";
import { plannedRecord, type RequestRecord } from "../contract/record.ts";
import type { RequestSpec } from "../contract/request.ts";
import { EndTimes } from "../workload/end-times.ts";
import { arrivals } from "../workload/arrivals.ts";
import { Pacer } from "../system/pacer.ts";
import { RequestFeed } from "./request-feed.ts";
import { SentRequest } from "./sent-request.ts";
import { MAX_IN_FLIGHT, RequestQueue, type QueuedRequest } from "../workload/request-queue.ts";
import { Slots } from "../workload/slots.ts";

/** Records handed out in one turn of the event loop: half a millisecond, for which stamps may have to wait. */
const RECORDS_A_TURN = 32;
/** Connections opened ahead to one target: more at once overruns the listen queue of a usual server. */
const MAX_PRECONNECTED = 512;

export interface GeneratorOptions {
  readonly cell: string;
  readonly load: LoadShape;
  readonly targets: readonly HttpTarget[];
  readonly client: ClientOptions;
  readonly requests: Iterable<RequestSpec> | AsyncIterable<RequestSpec>;
  /** For the arrivals. */
  readonly random: RandomStream;
  build(spec: RequestSpec): RequestBody;
  headers(spec: RequestSpec): Record<string, string>;
  /** Ids of workers by the names that answers have for them; others keep the name in the answer. */
  readonly workerNames?: Readonly<Record<string, string>>;
  /** Worker behind each target, where that is one. */
  readonly targetWorkers?: readonly (string | null)[];
  /** Gets the events of an answer that a later prompt will hold. */
  onAnswer?(request: number, events: readonly Uint8Array[]): void;
  /** A phase begins: its first requests are built, and from now on time counts. */
  onStart?(): void;
  /** The phase is over: nothing of it is in flight any more. */
  onStop?(): void;
  /** Gets what ended, in order of their ends, a bounded number at a time. */
  onRecords(records: readonly RequestRecord[]): void;
  readonly signal: AbortSignal;
}

export class Generator {
  readonly #options: GeneratorOptions;
  readonly #clients: readonly HttpClient[];
  readonly #source: Iterator<RequestSpec> | AsyncIterator<RequestSpec>;
  readonly #endsNs = new EndTimes();
  readonly #sentRequests = new Set<SentRequest>();
  /** Ended, and handed out in the next turns of the event loop: the next send and other stamps go first. */
  readonly #ended: RequestRecord[] = [];
  #sent = 0;
  /** Zero of all records' times. */
  readonly originNs = monotonicNs();

  constructor(options: GeneratorOptions) {
    this.#options = options;
    this.#clients = options.targets.map((target) => new HttpClient(target, options.client));
    const { requests } = options;
    this.#source =
      Symbol.asyncIterator in requests
        ? requests[Symbol.asyncIterator]()
        : requests[Symbol.iterator]();
  }

  get sent(): number {
    return this.#sent;
  }

  get inFlight(): number {
    return this.#sentRequests.size;
  }

  get elapsedS(): number {
    return (monotonicNs() - this.originNs) / 1e9;
  }

  /** Opened so far, over all targets. */
  get connections(): number {
    return this.#clients.reduce((sum, client) => sum + client.connections, 0);
  }

  get retries(): number {
    return this.#clients.reduce((sum, client) => sum + client.retries, 0);
  }

  /** Runs warm-up, then the measured phase; resolves when every request has its record. */
  async run(): Promise<void> {
    const { load, signal } = this.#options;
    try {
      if (load.warmup > 0) await this.#phase("warmup", load.warmup);
      if (!signal.aborted) await this.#phase("measured", load.requests ?? Number.POSITIVE_INFINITY);
    } finally {
      for (const client of this.#clients) client.close();
      await this.#source.return?.();
    }
  }

  readonly #handOut = (): void => {
    const ended = this.#ended.splice(0, RECORDS_A_TURN);
    if (ended.length > 0) this.#options.onRecords(ended);
    if (this.#ended.length > 0) setImmediate(this.#handOut);
  };

  #phase(phase: RequestRecord["phase"], count: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const running = new Phase({
      ...this.#options,
      phase,
      count,
      source: this.#source,
      endsNs: this.#endsNs,
      connect: (slots) => this.#preconnect(slots),
      launch: (request, details) => this.#launch(request, { ...details, phase }),
      finish: resolve,
      fail: reject,
    });
    const stop = (): void => {
      running.stop();
      for (const sent of [...this.#sentRequests]) sent.stop();
    };
    this.#options.signal.addEventListener("abort", stop);
    running.start().catch(reject);
    return promise.finally(() => {
      this.#options.signal.removeEventListener("abort", stop);
      this.#options.onStop?.();
      // After a fault of the workload, nothing that was sent stays without its record.
      stop();
      while (this.#ended.length > 0) this.#handOut();
    });
  }

  /** A closed loop starts with a burst; an open one opens connections as requests come due. */
  async #preconnect(slots: Slots): Promise<void> {
    if (this.#options.load.arrival !== "closed") return;
    await Promise.all(
      this.#clients
        .slice(0, slots.lanes)
        .map((client, lane) => client.preconnect(Math.min(slots.free(lane), MAX_PRECONNECTED))),
    );
  }

  #launch(
    request: QueuedRequest,
    details: LaunchDetails & { phase: RequestRecord["phase"] },
  ): void {
    const { cell, headers, load, targets, workerNames = {}, targetWorkers } = this.#options;
    const { onAnswer } = this.#options;
    const { spec } = request;
    const intendedNs = details.intendedNs - this.originNs;
    const record = plannedRecord(cell, spec, details.phase, intendedNs);
    if (targets.length > 1) record.target = details.target;
    const worker = targetWorkers?.[details.target];
    if (worker) record.worker = worker;
    this.#sent += 1;
    const sent: SentRequest = new SentRequest(this.#clients[details.target]!, {
      record,
      body: details.body,
      headers: headers(spec),
      originNs: this.originNs,
      timeoutMs: load.timeoutS * 1000,
      workerNames,
      ...(spec.keepAnswer === true && onAnswer !== undefined
        ? { onAnswer: (events) => onAnswer(spec.index, events) }
        : {}),
      onEnd: (ended) => {
        this.#sentRequests.delete(sent);
        if (this.#ended.push(ended) === 1) setImmediate(this.#handOut);
        details.onEnd(ended.endNs + this.originNs);
      },
    });
    this.#sentRequests.add(sent);
  }
}

interface LaunchDetails {
  intendedNs: number;
  target: number;
  body: RequestBody;
  /** On the monotonic clock. */
  onEnd(atNs: number): void;
}

interface PhaseOptions extends GeneratorOptions {
  phase: RequestRecord["phase"];
  count: number;
  source: Iterator<RequestSpec> | AsyncIterator<RequestSpec>;
  endsNs: EndTimes;
  /** Opens connections for the free slots of each lane. */
  connect(slots: Slots): Promise<unknown>;
  launch(request: QueuedRequest, details: LaunchDetails): void;
  finish(): void;
  fail(error: unknown): void;
}

/** Warm-up or the measured requests: slots, queue and timetable. */
class Phase {
  readonly #options: PhaseOptions;
  readonly #isClosed: boolean;
  readonly #queue: RequestQueue;
  readonly #feed: RequestFeed;
  readonly #pacer = new Pacer(() => this.#pump());
  readonly #slots: Slots;
  #startNs = 0;
  #inFlight = 0;
  #launched = 0;
  #isStarted = false;
  #isStopped = false;

  constructor(options: PhaseOptions) {
    this.#options = options;
    const { load, targets } = options;
    this.#isClosed = load.arrival === "closed";
    const slots = Math.min(load.concurrency ?? MAX_IN_FLIGHT, MAX_IN_FLIGHT);
    // A target without a slot would never get the requests dealt to it.
    const lanes = this.#isClosed ? Math.min(targets.length, slots) : 1;
    const held = new Slots({ slots, lanes, unit: load.concurrencyOf });
    this.#slots = held;
    this.#queue = new RequestQueue(
      {
        lanes,
        order: this.#isClosed ? "index" : "due",
        isCarried: (spec) => held.isCarried(spec),
      },
      options.endsNs,
    );
    this.#feed = new RequestFeed({
      source: options.source,
      queue: this.#queue,
      count: options.count,
      dueNs: arrivals(load, options.random.split(options.phase)),
      build: options.build,
      untilNextNs: () => this.#nextNs() - this.#nowNs(),
      onMore: () => this.#pump(),
      onError: (error) => this.#fail(error),
    });
  }

  async start(): Promise<void> {
    await Promise.all([this.#feed.prime(), this.#options.connect(this.#slots)]);
    this.#options.onStart?.();
    this.#startNs = monotonicNs();
    this.#isStarted = true;
    this.#pump();
  }

  /** Time of the phase: nanoseconds since its start. */
  #nowNs(): number {
    return monotonicNs() - this.#startNs;
  }

  stop(): void {
    this.#isStopped = true;
    this.#feed.stop();
    this.#pacer.cancel();
    if (this.#inFlight === 0) this.#options.finish();
  }

  /** Sends whatever is due and has a slot, then sleeps until the next request is due. */
  #pump(): void {
    if (!this.#isStarted || this.#isStopped) return;
    try {
      for (let lane = 0; lane < this.#slots.lanes; lane += 1) this.#serve(lane);
    } catch (error) {
      this.#fail(error);
      return;
    }
    const isDone = this.#feed.isExhausted && this.#queue.held === 0 && this.#inFlight === 0;
    if (isDone) {
      this.stop();
      return;
    }
    this.#pacer.arm(this.#startNs + this.#nextNs());
    this.#feed.work();
  }

  #serve(lane: number): void {
    for (;;) {
      const request = this.#queue.take(lane, this.#nowNs(), this.#slots.free(lane) > 0);
      if (request === undefined) return;
      const freeNs = this.#slots.taken(lane, request.spec);
      const intendedNs = this.#isClosed ? Math.max(freeNs, request.dueNs) : request.dueNs;
      this.#launch(request, { lane, intendedNs });
    }
  }

  #launch(
    request: QueuedRequest,
    { lane, intendedNs }: { lane: number; intendedNs: number },
  ): void {
    const target = this.#isClosed ? lane : this.#launched % this.#options.targets.length;
    this.#launched += 1;
    this.#inFlight += 1;
    this.#options.launch(request, {
      intendedNs: this.#startNs + intendedNs,
      target,
      body: this.#feed.bodyOf(request),
      onEnd: (atNs) => {
        const endNs = atNs - this.#startNs;
        this.#inFlight -= 1;
        this.#slots.ended(lane, request.spec, endNs);
        this.#feed.released(this.#queue.ended(request.spec.index, endNs));
        if (this.#isStopped && this.#inFlight === 0) this.#options.finish();
        else this.#pump();
      },
    });
  }

  /** When the next send is due that has a slot; infinite when only an end or a new request can help. */
  #nextNs(): number {
    let nextNs = Number.POSITIVE_INFINITY;
    for (let lane = 0; lane < this.#slots.lanes; lane += 1) {
      nextNs = Math.min(nextNs, this.#queue.nextDueNs(lane, this.#slots.free(lane) > 0));
    }
    return nextNs;
  }

  #fail(error: unknown): void {
    this.stop();
    this.#options.fail(error);
  }
}
