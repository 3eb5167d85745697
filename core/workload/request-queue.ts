/**
 * Requests that are not sent yet, in the order in which they may be sent. A request with `after` is
 * parked until that earlier request has ended, and is then due after its think time. Pure: the caller
 * passes the time, in nanoseconds since the start of the phase.
 *
 * Lanes split the requests over several targets in turn; the slots of a lane take its requests.
 */
import type { RequestSpec } from "../contract/request.ts";
import type { RequestBody } from "../prompt/body.ts";
import { EndTimes } from "./end-times.ts";
import { Heap } from "./heap.ts";

/** Limit of an open loop without `--concurrency`: half of the open files that Linux usually allows. */
export const MAX_IN_FLIGHT = 16_384;
/** Requests scheduled ahead: enough to start a thousand streams at once. */
export const AHEAD_REQUESTS = 1_024;
/** Bodies built ahead: 380 prompts of 14,000 tokens. */
export const AHEAD_BYTES = 33_554_432;
/** Requests held while they wait for others; a few hundred bytes each. */
export const AHEAD_PARKED = 65_536;

export interface QueuedRequest {
  readonly spec: RequestSpec;
  readonly lane: number;
  /** Not to be sent before this time; while parked, its time in the timetable. */
  dueNs: number;
  /** The body, if it has been built in advance. */
  body?: RequestBody;
  /** Whether it waits for the end of another request. */
  isParked: boolean;
  isTaken: boolean;
}

export interface QueueOptions {
  lanes: number;
  /** Order of several requests that are due: that of the workload, or that of the timetable. */
  order: "index" | "due";
  /** Whether a request needs no slot, because it is the next turn of a session that has one. */
  isCarried?: (spec: RequestSpec) => boolean;
}

export class RequestQueue {
  readonly #lanes: Lane[];
  readonly #isCarried: (spec: RequestSpec) => boolean;
  /** Ends of earlier requests, by index. */
  readonly #endsNs: EndTimes;
  readonly #parked = new Map<number, QueuedRequest[]>();
  #added = 0;
  #held = 0;
  #parkedCount = 0;

  /**
   * `endsNs` is passed from a cell's warm-up to its measured phase, whose requests may follow requests
   * of the warm-up: those count as ended when the phase starts, however long the warm-up took to drain.
   */
  constructor(options: QueueOptions, endsNs = new EndTimes()) {
    endsNs.rebase();
    this.#endsNs = endsNs;
    this.#isCarried = options.isCarried ?? (() => false);
    const isSooner = (a: QueuedRequest, b: QueuedRequest): boolean =>
      a.dueNs < b.dueNs || (a.dueNs === b.dueNs && a.spec.index < b.spec.index);
    const isEarlier = (a: QueuedRequest, b: QueuedRequest): boolean => a.spec.index < b.spec.index;
    this.#lanes = Array.from({ length: options.lanes }, () => ({
      waiting: new Heap(isSooner),
      ready: new Heap(options.order === "index" ? isEarlier : isSooner),
      carried: new Heap(isSooner),
    }));
  }

  /** How many requests are not taken yet. */
  get held(): number {
    return this.#held;
  }

  /** How many of them have a known due time. */
  get scheduled(): number {
    return this.#held - this.#parkedCount;
  }

  /** Adds the workload's next request, not to be sent before `dueNs`. */
  add(spec: RequestSpec, dueNs: number): QueuedRequest {
    const lane = this.#added % this.#lanes.length;
    const request: QueuedRequest = { spec, lane, dueNs, isParked: false, isTaken: false };
    this.#added += 1;
    this.#held += 1;
    const { after } = spec;
    if (after === undefined) {
      this.#schedule(request);
      return request;
    }
    const endNs = this.#endsNs.get(after.request);
    if (endNs === undefined) this.#park(request, after.request);
    else this.#release(request, endNs);
    return request;
  }

  /** An earlier request has ended in any state; returns the requests that waited for it. */
  ended(index: number, atNs: number): readonly QueuedRequest[] {
    this.#endsNs.set(index, atNs);
    const waiting = this.#parked.get(index) ?? [];
    this.#parked.delete(index);
    this.#parkedCount -= waiting.length;
    for (const request of waiting) {
      request.isParked = false;
      this.#release(request, atNs);
    }
    return waiting;
  }

  /** Takes the next request of a lane that is due, if any; without a free slot only one that needs none. */
  take(lane: number, nowNs: number, hasSlot = true): QueuedRequest | undefined {
    const { waiting, ready, carried } = this.#lanes[lane]!;
    const turn = carried.peek();
    if (turn !== undefined && turn.dueNs <= nowNs) return this.#taken(carried.pop()!);
    if (!hasSlot) return undefined;
    for (let next = waiting.peek(); next !== undefined && next.dueNs <= nowNs;) {
      ready.push(waiting.pop()!);
      next = waiting.peek();
    }
    const request = ready.pop();
    return request === undefined ? undefined : this.#taken(request);
  }

  /**
   * When a lane next has a request to send; without a free slot, one that needs none. A time in the past
   * if one is due already; infinite if nothing is scheduled.
   */
  nextDueNs(lane: number, hasSlot = true): number {
    const { waiting, ready, carried } = this.#lanes[lane]!;
    const carriedNs = carried.peek()?.dueNs ?? Number.POSITIVE_INFINITY;
    if (!hasSlot) return carriedNs;
    const nextNs = (ready.peek() ?? waiting.peek())?.dueNs ?? Number.POSITIVE_INFINITY;
    return Math.min(carriedNs, nextNs);
  }

  #taken(request: QueuedRequest): QueuedRequest {
    request.isTaken = true;
    this.#held -= 1;
    return request;
  }

  #park(request: QueuedRequest, until: number): void {
    request.isParked = true;
    this.#parkedCount += 1;
    const others = this.#parked.get(until);
    if (others === undefined) this.#parked.set(until, [request]);
    else others.push(request);
  }

  /** The request that it waited for has ended. */
  #release(request: QueuedRequest, endNs: number): void {
    const thinkNs = Math.round(request.spec.after!.thinkMs * 1e6);
    request.dueNs = Math.max(request.dueNs, endNs + thinkNs);
    this.#schedule(request);
  }

  #schedule(request: QueuedRequest): void {
    const { waiting, carried } = this.#lanes[request.lane]!;
    (this.#isCarried(request.spec) ? carried : waiting).push(request);
  }
}

interface Lane {
  waiting: Heap<QueuedRequest>;
  ready: Heap<QueuedRequest>;
  /** Scheduled requests that need no slot. */
  carried: Heap<QueuedRequest>;
}
