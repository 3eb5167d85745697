/** How wide the interval of a primary comparison will be after some repeats, from repeats that were run. */
import type { CellResult } from "../../contract/result.ts";
import { CONFIDENCE } from "../../statistics/mean-interval.ts";
import { estimate, PARTS, REPEATS_ENOUGH } from "../../statistics/repeats-by-parts.ts";
import { tQuantile } from "../../statistics/student-t.ts";
import { comparedRun, pairRepeats, type ComparedPlan } from "./compared-run.ts";

export interface Noise {
  /** Half the adjusted interval of the log-ratio, of the noisiest comparison. */
  halfWidth(repeats: number): number;
}

/** Undefined where the primary metric is a quantile, or nothing can be compared. */
export function noiseOf(cells: readonly CellResult[], plan: ComparedPlan): Noise | undefined {
  const run = comparedRun(cells, plan);
  const metric = run.metrics[0]!;
  if (metric.probability !== undefined) return undefined;
  const isPooled = run.isPooled(metric);
  const errors = run.points.flatMap((point) =>
    run.usual.flatMap((pair) => {
      const pairs = pairRepeats(point, pair);
      const layouts = pairs.length < 2 ? undefined : run.estimator.layouts(metric, pairs);
      if (layouts === undefined) return [];
      return estimate(layouts.ratio, isPooled).standardError * Math.sqrt(pairs.length);
    }),
  );
  if (errors.length === 0) return undefined;
  const deviation = Math.max(...errors);
  const confidence = 1 - (1 - CONFIDENCE) / errors.length;
  return {
    halfWidth: (repeats) => {
      const degrees = (repeats - 1) * (isPooled && repeats < REPEATS_ENOUGH ? PARTS : 1);
      return (tQuantile(confidence, degrees) * deviation) / Math.sqrt(repeats);
    },
  };
}
