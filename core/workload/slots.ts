/**
 * The slots of a load: how many requests, or how many sessions, may be in flight at once. Live load and
 * simulated load use the same code. Pure.
 *
 * If sessions are counted, the first request of a session takes a slot, which is free again when all
 * requests of the session have ended. Later turns need none, and the slot stays taken in think times.
 */
import type { LoadShape } from "../contract/plan.ts";
import type { RequestSpec } from "../contract/request.ts";

export class Slots {
  readonly #unit: NonNullable<LoadShape["concurrencyOf"]>;
  readonly #lanes: readonly FreeSlots[];
  /** For each open session, how many of its requests have not ended. */
  readonly #left = new Map<string, number>();

  constructor(options: { slots: number; lanes: number; unit: LoadShape["concurrencyOf"] }) {
    const { slots, lanes, unit = "requests" } = options;
    this.#unit = unit;
    this.#lanes = Array.from({ length: lanes }, (_, lane) => {
      return new FreeSlots(Math.floor(slots / lanes) + (lane < slots % lanes ? 1 : 0));
    });
  }

  get lanes(): number {
    return this.#lanes.length;
  }

  free(lane: number): number {
    return this.#lanes[lane]!.size;
  }

  /** Whether the request needs no slot, because its session has one. */
  isCarried(spec: RequestSpec): boolean {
    return this.#unit === "sessions" && spec.after !== undefined && spec.session !== undefined;
  }

  /** Takes a slot if the request needs one; returns since when that slot was free. */
  taken(lane: number, spec: RequestSpec): number {
    if (this.isCarried(spec)) return 0;
    if (this.#unit === "sessions" && spec.session !== undefined) {
      this.#left.set(spec.session, spec.sessionRequests ?? 1);
    }
    return this.#lanes[lane]!.shift();
  }

  /** A request has ended in any state. */
  ended(lane: number, spec: RequestSpec, atNs: number): void {
    const { session } = spec;
    if (this.#unit === "sessions" && session !== undefined) {
      const left = this.#left.get(session);
      if (left === undefined) return; // opened in an earlier phase, whose slots are gone
      if (left > 1) {
        this.#left.set(session, left - 1);
        return;
      }
      this.#left.delete(session);
    }
    this.#lanes[lane]!.push(atNs);
  }
}

/** When each free slot became free, as a ring; the slot that has been free longest comes first. */
class FreeSlots {
  readonly #freeNs: Float64Array;
  #head = 0;
  size: number;

  constructor(slots: number) {
    this.#freeNs = new Float64Array(slots);
    this.size = slots;
  }

  push(freeNs: number): void {
    this.#freeNs[(this.#head + this.size) % this.#freeNs.length] = freeNs;
    this.size += 1;
  }

  shift(): number {
    const freeNs = this.#freeNs[this.#head]!;
    this.#head = (this.#head + 1) % this.#freeNs.length;
    this.size -= 1;
    return freeNs;
  }
}
