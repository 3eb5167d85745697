/**
 * Sums per worker over the last seconds: what a router that looks back over a window knows of its own
 * decisions. Entries lie in a ring, so that an entry makes no garbage.
 */

const FIRST_CAPACITY = 1024;

export class SlidingSums {
  readonly #windowNs: number;
  #sums = new Float64Array(0);
  #times = new Float64Array(FIRST_CAPACITY);
  #workers = new Int32Array(FIRST_CAPACITY);
  #amounts = new Float64Array(FIRST_CAPACITY);
  #oldest = 0;
  #count = 0;

  constructor(windowS: number) {
    this.#windowNs = windowS * 1e9;
  }

  /** Sum of the worker, of entries that `forget` has left. */
  at(worker: number): number {
    return this.#sums[worker] ?? 0;
  }

  /** `nowNs` does not fall from call to call. */
  add(worker: number, amount: number, nowNs: number): void {
    if (worker >= this.#sums.length) this.#sums = copied(this.#sums, worker + 1);
    if (this.#count === this.#times.length) this.#grow();
    const slot = (this.#oldest + this.#count) % this.#times.length;
    this.#times[slot] = nowNs;
    this.#workers[slot] = worker;
    this.#amounts[slot] = amount;
    this.#count += 1;
    this.#sums[worker]! += amount;
  }

  /** Drops what is older than the window. */
  forget(nowNs: number): void {
    const since = nowNs - this.#windowNs;
    while (this.#count > 0 && this.#times[this.#oldest]! < since) {
      this.#sums[this.#workers[this.#oldest]!]! -= this.#amounts[this.#oldest]!;
      this.#oldest = (this.#oldest + 1) % this.#times.length;
      this.#count -= 1;
    }
    if (this.#count === 0) this.#sums.fill(0); // no rounding error outlives its entries
  }

  clear(): void {
    this.#oldest = 0;
    this.#count = 0;
    this.#sums.fill(0);
  }

  #grow(): void {
    const from = this.#times.length;
    const order = Array.from({ length: from }, (_, i) => (this.#oldest + i) % from);
    this.#times = copied(
      Float64Array.from(order, (slot) => this.#times[slot]!),
      2 * from,
    );
    this.#amounts = copied(
      Float64Array.from(order, (slot) => this.#amounts[slot]!),
      2 * from,
    );
    const workers = new Int32Array(2 * from);
    workers.set(order.map((slot) => this.#workers[slot]!));
    this.#workers = workers;
    this.#oldest = 0;
  }
}

function copied(from: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const to = new Float64Array(length);
  to.set(from);
  return to;
}
