/**
 * Requests that are not sent yet, in the order in which they may be. A request with `after` is
 * parked until that earlier request has ended and its think time is over. Pure: the caller says what
 * time it is, in nanoseconds since the start of the phase.
 *
 * Lanes split the requests over several targets in turn; a lane's requests are taken by its slots.
 */
import type { RequestSpec } from "../contract/request.ts";
import type { RequestBody } from "../prompt/body.ts";
import { EndTimes } from "./end-times.ts";
import { Heap } from "./heap.ts";

/** An open loop without a cap stops here: half of the open files that Linux usually allows at most. */
export const MAX_IN_FLIGHT = 16_384;
/** Requests scheduled ahead: enough to start a thousand streams at once. */
export const AHEAD_REQUESTS = 1_024;
/** Requests held while they wait for others; a few hundred bytes each. */
export const AHEAD_PARKED = 65_536;

export interface QueuedRequest {
  readonly spec: RequestSpec;
  readonly lane: number;
  /** Not to be sent before; while parked, the timetable's time alone. */
  dueNs: number;
  /** Built ahead, or undefined. */
  body?: RequestBody;
  /** Waits for the end of another request. */
  isParked: boolean;
  isTaken: boolean;
}

export interface QueueOptions {
  lanes: number;
  /** Which of several due requests goes first: the workload's order, or the timetable's. */
  order: "index" | "due";
  /** Whether a request goes without a slot, as the next turn of a session that has one. */
  isCarried?: (spec: RequestSpec) => boolean;
}

export class RequestQueue {
  readonly #lanes: Lane[];
  readonly #isCarried: (spec: RequestSpec) => boolean;
  /** Ends of earlier requests, by index: one number a request of the cell. */
  readonly #endsNs: EndTimes;
  readonly #parked = new Map<number, QueuedRequest[]>();
  #added = 0;
  #held = 0;
  #parkedCount = 0;

  /**
   * `endsNs` goes from a cell's warm-up to its measured phase, whose requests may follow warm-up's:
   * those count as ended when the phase starts, however long the warm-up was drained.
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

  /** Requests that are not taken yet. */
  get held(): number {
    return this.#held;
  }

  /** Those of them whose due time is known. */
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

  /** An earlier request has ended, however; returns the requests that waited for it. */
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

  /** The request of a lane that goes next, if one is due; without a free slot only a carried one. */
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
   * When a lane has something to send, without a free slot something carried: in the past if it has
   * already, infinite if nothing is scheduled.
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
  /** Scheduled, and in no need of a slot. */
  carried: Heap<QueuedRequest>;
}
