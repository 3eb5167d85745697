/**
 * A stretch of steps with the same batch, on one timetable.
 *
 * Every step end is computed from the span's start by one polynomial with one rounding, so it does not
 * matter in how many pieces a span is walked. A step with prompt work is a span of one step.
 */
import { stepsNs } from "dynbench/engine";

export class StepSpan {
  /** The fixed part of the `DecodeRun`s that are made from it. */
  startNs = 0;
  firstNs = 0;
  growthNs = 0;
  growth2Ns = 0;
  /** Steps it has: fixed at the start, cut when a request arrives or leaves. */
  steps = 0;
  /** Steps that have ended and were reported. */
  done = 0;

  start(atNs: number, steps: number): void {
    this.startNs = atNs;
    this.steps = steps;
    this.done = 0;
  }

  /** End of the n-th step (from 1), absolute; the span's start for 0. */
  endNs(n: number): number {
    return n === 0 ? this.startNs : this.startNs + stepsNs(this, n);
  }

  /** How many steps have ended at or before `atNs`. */
  endedBy(atNs: number): number {
    if (this.endNs(this.steps) <= atNs) return this.steps;
    return this.#count((endNs) => endNs <= atNs);
  }

  /** The first step (from 1) that ends at or after `atNs`; past the last one when none does. */
  endingFrom(atNs: number): number {
    if (this.done > 0 && this.endNs(this.done) >= atNs) return this.done;
    return this.#count((endNs) => endNs < atNs) + 1;
  }

  /** Leading steps whose end passes, by galloping from where the span stands and then halving. */
  #count(passes: (endNs: number) => boolean): number {
    let low = this.done;
    let stride = 1;
    while (low + stride <= this.steps && passes(this.endNs(low + stride))) {
      low += stride;
      stride *= 2;
    }
    let high = Math.min(low + stride, this.steps + 1);
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (passes(this.endNs(middle))) low = middle;
      else high = middle;
    }
    return low;
  }
}
