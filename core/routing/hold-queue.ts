/**
 * Requests that a policy told its host to hold, first come first served. Bounded in length and in
 * time, because a policy that holds for ever must show as its fault and not as a hung run.
 */
import type { RouteRequest } from "../routing-policy.ts";

/** Requests held at once; far more than any load keeps in flight, and still small in memory. */
export const MAX_HELD = 16_384;

/** A request is held this long at most; a minute without a turn is no queue but a lost request. */
export const MAX_HOLD_NS = 60e9;

export interface HeldRequest {
  readonly request: RouteRequest;
  readonly sinceNs: number;
  readonly exclude: ReadonlySet<number> | undefined;
}

export class HoldQueue {
  /** By request id; a Map keeps the order of arrival and deletes in constant time. */
  readonly #held = new Map<number, HeldRequest>();

  get size(): number {
    return this.#held.size;
  }

  /** Since when the first has waited; Infinity when nobody does. */
  get sinceNs(): number {
    return this.first()?.sinceNs ?? Infinity;
  }

  first(): HeldRequest | undefined {
    for (const held of this.#held.values()) return held;
    return undefined;
  }

  push(held: HeldRequest): void {
    this.#held.set(held.request.id, held);
  }

  delete(requestId: number): void {
    this.#held.delete(requestId);
  }

  clear(): void {
    this.#held.clear();
  }
}
