/**
 * Time that a request spends on the wire each way: a fixed part, and where a live system's timing
 * never repeats an exponential part of its own for each request. Drawn in the order of sending.
 */
import type { SimSettings } from "../contract/plan.ts";
import { randomStream, type RandomStream } from "../base/random.ts";

export class Network {
  readonly #fixedNs: number;
  readonly #jitterNs: number;
  readonly #random: RandomStream;

  constructor(settings: SimSettings, seed: number) {
    this.#fixedNs = Math.round(settings.networkMs * 1e6);
    this.#jitterNs = settings.networkJitterMs * 1e6;
    // Another jitter is another draw, so that runs of one plan can be told apart by it alone.
    this.#random = randomStream(seed, "network", settings.networkJitterMs);
  }

  /** One way, of the request that is sent next. */
  next(): number {
    if (this.#jitterNs === 0) return this.#fixedNs;
    return this.#fixedNs + Math.round(this.#random.exponential(this.#jitterNs));
  }
}
