/**
 * The load of a cell on the virtual clock: the same queue, timetable, slots and phases as the live
 * generator's, asked instead of waiting. Closed loop: each slot sends its next request the moment its
 * last one ended. Open loop: one absolute timetable. Warm-up is a phase of its own, drained first.
 */
import { EndTimes } from "../workload/end-times.ts";
import { arrivals, type Arrivals } from "../workload/arrivals.ts";
import {
  AHEAD_PARKED,
  AHEAD_REQUESTS,
  MAX_IN_FLIGHT,
  RequestQueue,
  type QueuedRequest,
} from "../workload/request-queue.ts";
import { Slots } from "../workload/slots.ts";
import type { LoadShape } from "../contract/plan.ts";
import type { RandomStream } from "../base/random.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { RequestSpec } from "../contract/request.ts";

export interface VirtualLoadOptions {
  readonly load: LoadShape;
  readonly requests: Iterable<RequestSpec> | AsyncIterable<RequestSpec>;
  /** For the arrivals. */
  readonly random: RandomStream;
  /** Router replicas: a closed loop splits its slots over them, an open one deals in turn. */
  readonly targets: number;
  /** Called with each request when it comes in, some time before it is sent. */
  onPulled(spec: RequestSpec): void;
}

/** A request that is sent now. */
export interface Sending {
  readonly spec: RequestSpec;
  readonly intendedNs: number;
  readonly lane: number;
  readonly target: number;
}

export class VirtualLoad {
  phase: RequestRecord["phase"];
  readonly #options: VirtualLoadOptions;
  readonly #source: Iterator<RequestSpec> | AsyncIterator<RequestSpec>;
  readonly #isClosed: boolean;
  readonly #slotCount: number;
  readonly #endsNs = new EndTimes();
  #queue!: RequestQueue;
  #dueNs!: Arrivals;
  #slots!: Slots;
  #phaseStartNs = 0;
  #left = 0;
  #inFlight = 0;
  #launched = 0;
  #isExhausted = false;
  /** The workload's next request, asked for and not there yet. */
  #coming: Promise<void> | undefined;

  constructor(options: VirtualLoadOptions) {
    const { load, requests } = options;
    this.#options = options;
    this.#source =
      Symbol.asyncIterator in requests
        ? requests[Symbol.asyncIterator]()
        : requests[Symbol.iterator]();
    this.#isClosed = load.arrival === "closed";
    this.#slotCount = Math.min(load.concurrency ?? MAX_IN_FLIGHT, MAX_IN_FLIGHT);
    this.phase = load.warmup > 0 ? "warmup" : "measured";
    this.#start(0);
  }

  /** Everything that will be sent has been sent and has ended, in this phase and all others. */
  get isDone(): boolean {
    return this.phase === "measured" && this.#isDrained;
  }

  /** An open loop without a cap of the user's has as many in flight as a machine has sockets for. */
  get isOverloaded(): boolean {
    const { arrival, concurrency } = this.#options.load;
    return arrival !== "closed" && concurrency === undefined && this.#inFlight >= MAX_IN_FLIGHT;
  }

  /** When a request is due that has a slot; Infinity when only an end can help. */
  get nextNs(): number {
    let nextNs = Infinity;
    for (let lane = 0; lane < this.#slots.lanes; lane += 1) {
      nextNs = Math.min(nextNs, this.#queue.nextDueNs(lane, this.#slots.free(lane) > 0));
    }
    return nextNs + this.#phaseStartNs;
  }

  /** Brings requests in as far ahead as is allowed; a promise where the workload must be waited for. */
  fill(): Promise<void> | undefined {
    while (this.#coming === undefined && this.#wantsMore) {
      const step = this.#source.next();
      if (step instanceof Promise) this.#coming = this.#await(step);
      else this.#add(step);
    }
    return this.#coming;
  }

  /** The next request to send at `nowNs`, which occupies a slot until `ended`. */
  take(nowNs: number): Sending | undefined {
    const phaseNs = nowNs - this.#phaseStartNs;
    for (let lane = 0; lane < this.#slots.lanes; lane += 1) {
      const request = this.#queue.take(lane, phaseNs, this.#slots.free(lane) > 0);
      if (request !== undefined) return this.#launch(request, lane);
    }
    return undefined;
  }

  ended(request: { readonly spec: RequestSpec; readonly lane: number }, atNs: number): void {
    this.#inFlight -= 1;
    this.#slots.ended(request.lane, request.spec, atNs - this.#phaseStartNs);
    this.#queue.ended(request.spec.index, atNs - this.#phaseStartNs);
  }

  /** Goes from a drained warm-up to the measured phase; false when there is nothing to do. */
  nextPhase(nowNs: number): boolean {
    if (this.phase === "measured" || !this.#isDrained) return false;
    this.phase = "measured";
    this.#start(nowNs);
    return true;
  }

  close(): void {
    void this.#source.return?.();
  }

  get #isDrained(): boolean {
    return this.#isExhausted && this.#queue.held === 0 && this.#inFlight === 0;
  }

  get #wantsMore(): boolean {
    return (
      !this.#isExhausted &&
      this.#queue.scheduled < AHEAD_REQUESTS &&
      this.#queue.held < AHEAD_PARKED
    );
  }

  #start(nowNs: number): void {
    const { load, random, targets } = this.#options;
    const lanes = this.#isClosed ? Math.min(targets, this.#slotCount) : 1;
    this.#phaseStartNs = nowNs;
    this.#left = this.phase === "warmup" ? load.warmup : (load.requests ?? Infinity);
    this.#isExhausted = this.#left <= 0;
    this.#dueNs = arrivals(load, random.split(this.phase));
    const slots = new Slots({ slots: this.#slotCount, lanes, unit: load.concurrencyOf });
    this.#slots = slots;
    this.#queue = new RequestQueue(
      {
        lanes,
        order: this.#isClosed ? "index" : "due",
        isCarried: (spec) => slots.isCarried(spec),
      },
      this.#endsNs,
    );
  }

  /** A workload that fails stays failed: each later call rejects too. */
  async #await(step: Promise<IteratorResult<RequestSpec>>): Promise<void> {
    this.#add(await step);
    this.#coming = undefined;
  }

  #add(step: IteratorResult<RequestSpec>): void {
    if (step.done === true) {
      this.#isExhausted = true;
      return;
    }
    this.#options.onPulled(step.value);
    this.#queue.add(step.value, this.#dueNs(step.value));
    this.#left -= 1;
    this.#isExhausted = this.#left <= 0;
  }

  #launch({ spec, dueNs }: QueuedRequest, lane: number): Sending {
    const freeNs = this.#slots.taken(lane, spec);
    const intendedNs = this.#isClosed ? Math.max(freeNs, dueNs) : dueNs;
    const target = this.#isClosed ? lane : this.#launched % this.#options.targets;
    this.#launched += 1;
    this.#inFlight += 1;
    return { spec, intendedNs: this.#phaseStartNs + intendedNs, lane, target };
  }
}
