/** When each request of a cell ended, by its index: one number each, because an hour of load has millions. */

const FIRST_CAPACITY = 1024;

export class EndTimes {
  /** NaN for a request that has not ended. */
  #endsNs = new Float64Array(FIRST_CAPACITY).fill(NaN);

  /** Undefined for a request that has not ended. */
  get(index: number): number | undefined {
    const endNs = this.#endsNs[index];
    return endNs === undefined || Number.isNaN(endNs) ? undefined : endNs;
  }

  set(index: number, endNs: number): void {
    if (index >= this.#endsNs.length) this.#grow(index);
    this.#endsNs[index] = endNs;
  }

  /** Sets all ends so far to 0, the start of a new phase. */
  rebase(): void {
    const endsNs = this.#endsNs;
    for (let index = 0; index < endsNs.length; index += 1) {
      if (!Number.isNaN(endsNs[index]!)) endsNs[index] = 0;
    }
  }

  #grow(index: number): void {
    const grown = new Float64Array(Math.max(index + 1, 2 * this.#endsNs.length)).fill(NaN);
    grown.set(this.#endsNs);
    this.#endsNs = grown;
  }
}
