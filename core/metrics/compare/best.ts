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
import { competitors, pairKey, type ArmPair } from "./arm-pairs.ts";
import {
  comparableRepeats,
  estimateAt,
  type ComparedPoint,
  type ComparedRun,
} from "./compared-run.ts";

/** Undefined below two arms; points with too few repeats are left out. `confidence`: of each comparison. */
export function bestArms(run: ComparedRun, confidence: number): BestArms[] | undefined {
  if (competitors(run.arms).length < 2) return undefined;
  const best = run.points.flatMap((point) => bestAt(point, run, confidence));
  return best.length === 0 ? undefined : best;
}

function bestAt(point: ComparedPoint, run: ComparedRun, confidence: number): BestArms[] {
  const metric = run.metrics[0]!;
  const prefersLess = metricOf(metric.key).better !== "higher";
  const worseOf = once((pair) => {
    const pairs = comparableRepeats(run, point, pair);
    if (pairs.length < REPEATS_FOR_CLAIMS) return null;
    const ratio = estimateAt(metric, pairs, { key: point.key, run })?.ratio(confidence);
    if (ratio === undefined) return null;
    if (ratio.high < 1) return prefersLess ? pair[0] : pair[1];
    if (ratio.low > 1) return prefersLess ? pair[1] : pair[0];
    return undefined;
  });
  const arms = byFigure(point, run, prefersLess);
  const best = arms.filter((arm) => mayBeBest(arm, arms, worseOf)).sort((x, y) => x - y);
  if (best.length === 0) return [];
  const { parameters } = point.cells[0]!.summary;
  return [{ parameters, arms: best.map((arm) => run.arms[arm]!.label) }];
}

/** The arm of a pair that is worse; undefined where neither is, null where they are not compared. */
type WorseOf = (pair: ArmPair) => number | undefined | null;

/** Both arms of a tie ask for it, and an interval takes long. */
function once(worseOf: WorseOf): WorseOf {
  const known = new Map<string, ReturnType<WorseOf>>();
  return (pair) => {
    const key = pairKey(pair);
    const worse = known.has(key) ? known.get(key) : worseOf(pair);
    known.set(key, worse);
    return worse;
  };
}

/** Whether an arm was compared and is worse than none; the likely winners come first in `rivals`. */
function mayBeBest(arm: number, rivals: readonly number[], worseOf: WorseOf): boolean {
  let isCompared = false;
  for (const rival of rivals) {
    if (rival === arm) continue;
    const worse = worseOf(arm < rival ? [arm, rival] : [rival, arm]);
    if (worse === arm) return false;
    isCompared ||= worse !== null;
  }
  return isCompared;
}

/** The arms that compete, best figure first: of hundreds of arms most are beaten by one of the first. */
function byFigure({ ofArm }: ComparedPoint, run: ComparedRun, prefersLess: boolean): number[] {
  const sign = prefersLess ? 1 : -1;
  const figures = new Map(
    competitors(run.arms).map((arm) => {
      const known = (ofArm.get(arm) ?? []).flatMap(
        ({ summary }) => run.metrics[0]!.read(summary) ?? [],
      );
      const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
      return [arm, known.length === 0 ? Number.MAX_VALUE : sign * mean];
    }),
  );
  return [...figures.keys()].sort((x, y) => figures.get(x)! - figures.get(y)!);
}
