/**
 * Numbers to take statistics of: single values, and arithmetic runs that stand for many.
 *
 * A live run measures each gap between tokens: single values. A simulated worker speaks in spans
 * (`DecodeRun`): step k takes first + k·growth + k²·growth2, and each step is one gap of every
 * request in the batch, the weight. Both kinds lie in flat columns, because a run can hold millions.
 */
import type { DecodeRun } from "../worker-model.ts";

/** `steps` values, the k-th first + k·growth + k²·growth2, each counted `weight` times. */
export interface ArithmeticRun {
  readonly first: number;
  readonly growth: number;
  readonly growth2: number;
  readonly steps: number;
  readonly weight: number;
}

const RUN_FIELDS = 5;
const FIRST_CAPACITY = 64;

export class WeightedSamples {
  #singles = new Float64Array(FIRST_CAPACITY);
  #singleCount = 0;
  #runs = new Float64Array(FIRST_CAPACITY * RUN_FIELDS);
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

  /** Empty runs (no steps or no weight) are passed over. */
  addRun(run: ArithmeticRun): void {
    if (run.steps <= 0 || run.weight <= 0) return;
    const at = this.#runCount * RUN_FIELDS;
    if (at === this.#runs.length) this.#runs = doubled(this.#runs);
    this.#runs[at] = run.first;
    this.#runs[at + 1] = run.growth;
    this.#runs[at + 2] = run.growth2;
    this.#runs[at + 3] = run.steps;
    this.#runs[at + 4] = run.weight;
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
    for (const run of other.runs()) this.addRun(run);
  }

  *runs(): Generator<ArithmeticRun> {
    for (let i = 0; i < this.#runCount; i += 1) {
      const at = i * RUN_FIELDS;
      yield {
        first: this.#runs[at]!,
        growth: this.#runs[at + 1]!,
        growth2: this.#runs[at + 2]!,
        steps: this.#runs[at + 3]!,
        weight: this.#runs[at + 4]!,
      };
    }
  }
}

/** Value number `k` of a run. */
export function valueAt(run: Pick<ArithmeticRun, "first" | "growth" | "growth2">, k: number) {
  return run.first + k * (run.growth + k * run.growth2);
}

function doubled(column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(column.length * 2);
  grown.set(column);
  return grown;
}
