/** Durations of the parts of recent decisions, for quantiles in the gateway's state. */

/** Decisions kept: enough for a p99 to rest on forty of them, in 32 KB a part. */
const KEPT_SAMPLES = 4096;

export const COST_PARTS = ["scan", "tokeniseWait", "tokenise", "hash", "lookup", "score"] as const;
export type CostPart = (typeof COST_PARTS)[number];

/** Nanoseconds of each part of one decision. */
export type DecisionCost = Readonly<Record<CostPart, number>>;

/** Microseconds. */
export interface CostQuantiles {
  readonly p50: number;
  readonly p99: number;
}

export class CostSamples {
  readonly #columns = COST_PARTS.map(() => new Float64Array(KEPT_SAMPLES));
  #count = 0;

  add(cost: DecisionCost): void {
    const slot = this.#count % KEPT_SAMPLES;
    COST_PARTS.forEach((part, i) => (this.#columns[i]![slot] = cost[part]));
    this.#count += 1;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Nearest-rank quantiles of the last decisions; undefined before the first. */
  quantilesUs(): Record<CostPart, CostQuantiles> | undefined {
    const count = Math.min(this.#count, KEPT_SAMPLES);
    if (count === 0) return undefined;
    const entries = COST_PARTS.map((part, i) => {
      const sorted = this.#columns[i]!.slice(0, count).sort();
      const at = (share: number): number => sorted[Math.ceil(share * count) - 1]! / 1000;
      return [part, { p50: at(0.5), p99: at(0.99) }] as const;
    });
    return Object.fromEntries(entries) as Record<CostPart, CostQuantiles>;
  }
}
