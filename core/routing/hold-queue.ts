/**
 * Requests that a policy holds, by the urgency that it gave them, then first come first served. Bounded
 * in length and in time: a policy that holds for ever must be reported as its fault, not as a hung run.
 */
import type { RouteRequest } from "../contract/routing-policy.ts";

/** Requests held at once; far more than any load keeps in flight, and still small in memory. */
export const MAX_HELD = 16_384;

/** A request is held this long at most; after a minute the policy has lost it. */
export const MAX_HOLD_NS = 60e9;

export interface HeldRequest {
  readonly request: RouteRequest;
  readonly sinceNs: number;
  readonly exclude: ReadonlySet<number> | undefined;
  /** Higher is released first. */
  readonly urgency: number;
}

export class HoldQueue {
  /** By request id, in the order of arrival. */
  readonly #held = new Map<number, HeldRequest>();
  /** The first to be released is at the end. */
  readonly #sorted: HeldRequest[] = [];

  get size(): number {
    return this.#held.size;
  }

  /** Since when the one that came first has waited; Infinity when nobody does. */
  get sinceNs(): number {
    return this.oldest()?.sinceNs ?? Infinity;
  }

  /** Who is released next. */
  first(): HeldRequest | undefined {
    return this.#sorted.at(-1);
  }

  oldest(): HeldRequest | undefined {
    for (const held of this.#held.values()) return held;
    return undefined;
  }

  /** Takes out one that has been held for too long. */
  takeOverdue(nowNs: number): HeldRequest | undefined {
    const oldest = this.oldest();
    if (oldest === undefined || nowNs - oldest.sinceNs < MAX_HOLD_NS) return undefined;
    this.delete(oldest.request.id);
    return oldest;
  }

  push(held: HeldRequest): void {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]!.urgency < held.urgency) low = middle + 1;
      else high = middle;
    }
    this.#sorted.splice(low, 0, held);
    this.#held.set(held.request.id, held);
  }

  delete(requestId: number): void {
    const held = this.#held.get(requestId);
    if (held === undefined) return;
    this.#held.delete(requestId);
    this.#sorted.splice(this.#sorted.lastIndexOf(held), 1);
  }

  clear(): void {
    this.#held.clear();
    this.#sorted.length = 0;
  }
}
