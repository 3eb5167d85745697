/** A Prometheus histogram: cumulative buckets, sum and count. */

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** `bounds`: upper bounds of the buckets, ascending, without the infinite one. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length).fill(0);
  }

  /** Counts `times` observations of the same value. */
  observe(value: number, times = 1): void {
    this.#sum += value * times;
    this.#count += times;
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket !== -1) this.#counts[bucket]! += times;
  }

  /** Sample lines in Prometheus' text format 0.0.4; `labels` without braces. */
  lines(name: string, labels: string): string {
    let below = 0;
    let text = "";
    for (const [i, bound] of this.#bounds.entries()) {
      below += this.#counts[i]!;
      text += `${name}_bucket{${labels},le="${bound}"} ${below}\n`;
    }
    return (
      `${text}${name}_bucket{${labels},le="+Inf"} ${this.#count}\n` +
      `${name}_sum{${labels}} ${this.#sum}\n${name}_count{${labels}} ${this.#count}\n`
    );
  }
}
