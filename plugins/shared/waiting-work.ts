/**
 * Sums per worker over the requests that wait there for their first token: how a router that is not
 * given the engines' queues counts them, from the life of its own requests.
 */
import type { RouteRequest } from "dynbench";

export class WaitingWork {
  /** Of each waiting request. Its prefill and its decode wait apart. */
  readonly #amounts = new Map<number, number>();
  #sums = new Float64Array(0);

  at(worker: number): number {
    return this.#sums[worker] ?? 0;
  }

  add(request: RouteRequest, worker: number, amount: number): void {
    if (worker >= this.#sums.length) {
      const sums = new Float64Array(worker + 1);
      sums.set(this.#sums);
      this.#sums = sums;
    }
    this.#amounts.set(keyOf(request), amount);
    this.#sums[worker]! += amount;
  }

  /** Its first token came, or it ended; then it may have been taken out already. */
  remove(request: RouteRequest, worker: number): void {
    const key = keyOf(request);
    const amount = this.#amounts.get(key);
    if (amount === undefined) return;
    this.#amounts.delete(key);
    this.#sums[worker]! -= amount;
    if (this.#amounts.size === 0) this.#sums.fill(0); // no rounding error outlives its requests
  }

  clear(): void {
    this.#amounts.clear();
    this.#sums.fill(0);
  }
}

/** Ids are 0 or more. */
function keyOf({ id, stage }: RouteRequest): number {
  return stage === "decode" ? -1 - id : id;
}
