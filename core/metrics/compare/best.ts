/**
 * Which arms may be the best at a point (multiple comparisons with the best: Hsu, "Simultaneous
 * confidence intervals for all distances from the best", 1981).
 *
 * The luckiest of eight equal arms looks better than the reference. An arm is therefore called the
 * best only where it beats each of the others, not where it beats the reference by most. For a false
 * best, the arm would have to beat the true best, so no more comparisons need to hold together than
 * there are other arms.
 */
import type { BestArms } from "../../contract/result.ts";
import { REPEATS_FOR_CLAIMS } from "../../statistics/mean-interval.ts";
import { metricOf } from "../definitions.ts";
import { possiblePairs } from "./arm-pairs.ts";
import {
  comparableRepeats,
  estimateAt,
  type ComparedPoint,
  type ComparedRun,
} from "./compared-run.ts";

/** Undefined below two arms; points with too few repeats are left out. `confidence`: of each comparison. */
export function bestArms(run: ComparedRun, confidence: number): BestArms[] | undefined {
  const pairs = possiblePairs(run.arms);
  if (pairs.length === 0) return undefined;
  const best = run.points.flatMap((point) => bestAt(point, run, confidence));
  return best.length === 0 ? undefined : best;
}

function bestAt(point: ComparedPoint, run: ComparedRun, confidence: number): BestArms[] {
  const metric = run.metrics[0]!;
  const prefersLess = metricOf(metric.key).better !== "higher";
  const worse = new Set<number>();
  const compared = new Set<number>();
  for (const pair of possiblePairs(run.arms)) {
    const [a, b] = pair;
    const pairs = comparableRepeats(run, point, pair);
    if (pairs.length < REPEATS_FOR_CLAIMS) continue;
    const ratio = estimateAt(metric, pairs, { key: point.key, run })?.ratio(confidence);
    if (ratio === undefined) continue;
    compared.add(a).add(b);
    if (ratio.high < 1) worse.add(prefersLess ? a : b);
    if (ratio.low > 1) worse.add(prefersLess ? b : a);
  }
  const arms = [...compared].filter((arm) => !worse.has(arm)).sort((x, y) => x - y);
  if (arms.length === 0) return [];
  const { parameters } = point.cells[0]!.summary;
  return [{ parameters, arms: arms.map((arm) => run.arms[arm]!.label) }];
}
