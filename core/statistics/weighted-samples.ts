/**
 * Numbers to take statistics of: single values, and arithmetic runs that stand for many.
 *
 * A live run measures each gap between tokens: single values. A simulated worker reports spans
 * (`DecodeRun`): step k takes first + k·growth + k²·growth2, and each step is one gap of every
 * request in the batch, which is its weight. Both kinds are kept in flat columns, because a cell can
 * have millions.
 */
import type { DecodeRun } from "../contract/worker-model.ts";

/** `steps` values, the k-th first + k·growth + k²·growth2, each counted `weight` times. */
export interface ArithmeticRun {
  readonly first: number;
  readonly growth: number;
  readonly growth2: number;
  readonly steps: number;
  readonly weight: number;
}

const FIRST_CAPACITY = 64;

export class WeightedSamples {
  #singles = new Float64Array(FIRST_CAPACITY);
  #singleCount = 0;
  #firsts = new Float64Array(FIRST_CAPACITY);
  #growths = new Float64Array(FIRST_CAPACITY);
  /** Empty while `growth2` of every run is 0, as in most models. */
  #growths2 = new Float64Array(0);
  #steps = new Uint32Array(FIRST_CAPACITY);
  #weights = new Uint32Array(FIRST_CAPACITY);
  #runCount = 0;
  #total = 0;

  /** A list of values; NaN ("unknown") is passed over. */
  static of(values: Iterable<number>): WeightedSamples {
    const samples = new WeightedSamples();
    for (const value of values) if (!Number.isNaN(value)) samples.add(value);
    return samples;
  }

  /** Values counted with their weights. */
  get count(): number {
    return this.#total;
  }

  /** Single values, in the order added; a view, valid until the next `add`. */
  get singles(): Float64Array {
    return this.#singles.subarray(0, this.#singleCount);
  }

  get runCount(): number {
    return this.#runCount;
  }

  add(value: number): void {
    if (this.#singleCount === this.#singles.length) this.#singles = doubled(this.#singles);
    this.#singles[this.#singleCount] = value;
    this.#singleCount += 1;
    this.#total += 1;
  }

  /** Steps and weight are whole numbers; empty runs (no steps or no weight) are passed over. */
  addRun(run: ArithmeticRun): void {
    if (run.steps <= 0 || run.weight <= 0) return;
    const at = this.#runCount;
    if (at === this.#firsts.length) this.#grow();
    if (run.growth2 !== 0 && this.#growths2.length === 0) {
      this.#growths2 = new Float64Array(this.#firsts.length);
    }
    this.#firsts[at] = run.first;
    this.#growths[at] = run.growth;
    if (this.#growths2.length > 0) this.#growths2[at] = run.growth2;
    this.#steps[at] = run.steps;
    this.#weights[at] = run.weight;
    this.#runCount += 1;
    this.#total += run.steps * run.weight;
  }

  /** The gaps of a piece of a worker's span, in nanoseconds, for `decoders` requests. */
  addDecodeRun(run: DecodeRun, decoders: number): void {
    const from = run.fromStep;
    this.addRun({
      // Step from + k, written as a run that starts at 0.
      first: run.firstNs + from * run.growthNs + from * from * run.growth2Ns,
      growth: run.growthNs + 2 * from * run.growth2Ns,
      growth2: run.growth2Ns,
      steps: run.steps,
      weight: decoders,
    });
  }

  /** Adds all of `other`: statistics of several cells come from their samples, never from averages. */
  merge(other: WeightedSamples): void {
    for (const value of other.singles) this.add(value);
    other.eachRun((run) => this.addRun(run));
  }

  /** The runs, in the order added. Each is the same object with other values: copy what you keep. */
  eachRun(visit: (run: ArithmeticRun) => void): void {
    const run = { first: 0, growth: 0, growth2: 0, steps: 0, weight: 0 };
    const hasGrowth2 = this.#growths2.length > 0;
    for (let at = 0; at < this.#runCount; at += 1) {
      run.first = this.#firsts[at]!;
      run.growth = this.#growths[at]!;
      run.growth2 = hasGrowth2 ? this.#growths2[at]! : 0;
      run.steps = this.#steps[at]!;
      run.weight = this.#weights[at]!;
      visit(run);
    }
  }

  #grow(): void {
    this.#firsts = doubled(this.#firsts);
    this.#growths = doubled(this.#growths);
    this.#growths2 = doubled(this.#growths2);
    this.#steps = enlarged(this.#steps, new Uint32Array(2 * this.#steps.length));
    this.#weights = enlarged(this.#weights, new Uint32Array(2 * this.#weights.length));
  }
}

/** Value number `k` of a run. */
export function valueAt(run: Pick<ArithmeticRun, "first" | "growth" | "growth2">, k: number) {
  return run.first + k * (run.growth + k * run.growth2);
}

function doubled(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  return enlarged(column, new Float64Array(column.length * 2));
}

function enlarged<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
