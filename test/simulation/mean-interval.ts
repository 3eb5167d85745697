/** Means of runs with their intervals: whether two sets of runs agree. */
import { tQuantile } from "../../core/statistics/student-t.ts";
import type { Figures } from "./dynamo-run.ts";

const ROUNDING = 1e-6;

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Student's t interval of a mean. */
export function meanInterval(values: readonly number[], confidence = 0.95): Interval {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const reach = tQuantile(confidence, n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - reach, high: mean + reach };
}

/** Figures of `theirs` whose mean differs from that of `ours`: disjoint intervals, or too far apart. */
export function disagreements(
  ours: readonly Figures[],
  theirs: readonly Partial<Figures>[],
  { confidence, tolerance }: { confidence: number; tolerance: number },
): string[] {
  return (Object.keys(theirs[0]!) as (keyof Figures)[]).flatMap((figure) => {
    const a = meanInterval(
      ours.map((run) => run[figure]),
      confidence,
    );
    const b = meanInterval(
      theirs.map((run) => run[figure]!),
      confidence,
    );
    const off = Math.abs(a.mean / b.mean - 1);
    // Where every run is the same, intervals have no width and means differ by rounding alone.
    const isApart = off > ROUNDING && (a.low > b.high || b.low > a.high);
    const isFar = off > tolerance;
    return isApart || isFar ? [`${figure}: ${told(a)} is not ${told(b)}`] : [];
  });
}

function told({ mean, low, high }: Interval): string {
  return `${mean.toPrecision(5)} (${low.toPrecision(5)} to ${high.toPrecision(5)})`;
}
