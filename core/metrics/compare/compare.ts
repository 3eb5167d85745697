/**
 * Arms against arms, at equal parameters, on the same requests; and what a run may claim of them.
 *
 * `arm-pairs.ts` chooses the pairs, `estimates.ts` makes the intervals. One comparison in twenty would
 * claim a difference that is not there, and a run makes dozens. Each comparison therefore also has an
 * adjusted interval, so that in 95 % of runs no claim of a kind is false. Claims step down (Holm, "A
 * simple sequentially rejective multiple test procedure", 1979): first the error is divided among all
 * of a kind, and what is claimed then leaves it to those that remain. Kinds are the primary metric,
 * which the plan named before anything was measured, and the other metrics. Of
 * the 5 % that may fail, comparisons with the reference have four fifths, and pairs that were chosen
 * by their results one fifth, as one of all pairs that might have been chosen. Only what an adjusted
 * interval shows from three repeats up is a claim.
 *
 * A comparison is left out when a figure is not above zero (no ratio), and when the two cells had
 * other requests or other time scales, which happens between runs. Latencies of a saturated cell are
 * never compared: they grow with the length of the run.
 */
import { given } from "../../base/given.ts";
import type { Until } from "../../contract/plan.ts";
import type {
  BestArms,
  CellResult,
  Comparison,
  Control,
  NotCompared,
  UntilOutcome,
} from "../../contract/result.ts";
import { CONFIDENCE, REPEATS_FOR_CLAIMS } from "../../statistics/mean-interval.ts";
import { metricOf } from "../definitions.ts";
import { pairKey, possiblePairCount } from "./arm-pairs.ts";
import { bestArms } from "./best.ts";
import { claimOf } from "./claim.ts";
import type { ComparedMetric } from "./compared.ts";
import {
  comparableRepeats,
  comparedRun,
  estimateAt,
  pairRepeats,
  type ComparedPlan,
  type ComparedPoint,
  type ComparedRun,
} from "./compared-run.ts";
import { controlOf } from "./control.ts";
import type { Estimated, RepeatPair } from "./estimates.ts";

/** Of the error that a kind of comparison may have, the part of those with the reference. */
const REFERENCE_PART = 0.8;

export interface Compared {
  /** In order of parameters, arms and metrics; the primary metric first. */
  readonly comparisons: Comparison[];
  readonly notCompared: NotCompared[];
  readonly best?: BestArms[];
  readonly control?: Control;
  readonly until?: UntilOutcome;
}

/** All that completed cells show. */
export function compareArms(cells: readonly CellResult[], plan: ComparedPlan): Compared {
  const run = comparedRun(cells, plan);
  const drafts = run.points.flatMap((point) => draftsOf(point, run));
  const levels = levelsOf(drafts, run);
  const best = bestArms(run, levels("primary", true).confidence);
  const control = controlOf(run);
  const comparisons = stepDown(drafts, levels);
  const { until } = plan;
  const outcome = ({ rule, halfWidth }: Until): UntilOutcome => ({
    rule,
    ...given({ halfWidth }),
    repeats: new Set(cells.map(({ cell }) => cell.repeat)).size,
    isMet: isMet(
      until,
      comparisons.filter((_, i) => drafts[i]!.role === "primary" && drafts[i]!.isUsual),
    ),
  });
  return {
    comparisons,
    notCompared: notCompared(run),
    ...given({ best, control, until: until && outcome(until) }),
  };
}

/** Whether the run has shown what its `until` asks for; the primary comparisons with a reference count. */
export function isDecided(cells: readonly CellResult[], plan: ComparedPlan): boolean {
  const run = comparedRun(cells, plan);
  const primary = { ...run, metrics: run.metrics.slice(0, 1), pairs: run.usual };
  const drafts = primary.points.flatMap((point) => draftsOf(point, primary));
  return isMet(plan.until, stepDown(drafts, levelsOf(drafts, primary)));
}

/** `primary`: the primary comparisons with a reference. */
function isMet(until: Until | undefined, primary: readonly Comparison[]): boolean {
  const { halfWidth } = until ?? {};
  return (
    primary.length > 0 &&
    primary.every(({ claim, ratio, adjusted: { low, high } }) =>
      halfWidth === undefined ? claim !== "none" : (high - low) / 2 <= halfWidth * ratio.value,
    )
  );
}

/** A comparison whose adjusted interval waits until all of its kind are counted. */
interface Draft {
  readonly role: Comparison["role"];
  readonly isUsual: boolean;
  readonly metric: ComparedMetric;
  readonly pairs: readonly RepeatPair[];
  readonly estimated: Estimated;
}

function draftsOf(point: ComparedPoint, run: ComparedRun): Draft[] {
  const usual = new Set(run.usual.map(pairKey));
  return run.pairs.flatMap((pair) => {
    const pairs = comparableRepeats(run, point, pair);
    if (pairs.length === 0) return [];
    const isUsual = usual.has(pairKey(pair));
    return run.metrics.flatMap((metric, i): Draft[] => {
      const estimated = estimateAt(metric, pairs, { key: point.key, run });
      const role = i === 0 ? "primary" : "secondary";
      return estimated === undefined ? [] : [{ role, isUsual, metric, pairs, estimated }];
    });
  });
}

/** Each with the interval at which it is claimed, or at which it is not when all others are. */
function stepDown(drafts: readonly Draft[], levels: Levels): Comparison[] {
  const kinds = Map.groupBy(drafts, ({ role, isUsual }) => `${role} ${isUsual}`);
  const comparisons = new Map<Draft, Comparison>();
  for (const kind of kinds.values()) {
    let open = kind;
    for (let before = -1; before !== open.length;) {
      before = open.length;
      for (const draft of open) {
        const level = levels(draft.role, draft.isUsual, kind.length - open.length);
        comparisons.set(draft, finished(draft, level));
      }
      open = open.filter((draft) => comparisons.get(draft)!.claim === "none");
    }
  }
  return drafts.map((draft) => comparisons.get(draft)!);
}

/** Confidence of one interval, and how many comparisons its kind has. */
interface Level {
  readonly confidence: number;
  readonly over: number;
}

/** `claimed`: comparisons of the kind that are settled. */
type Levels = (role: Comparison["role"], isUsual: boolean, claimed?: number) => Level;

function levelsOf(drafts: readonly Draft[], run: ComparedRun): Levels {
  /** Pairs that are no usual ones: any of them might have been chosen. */
  const chosen = possiblePairCount(run.arms) - run.usual.length;
  const part = (isUsual: boolean): number =>
    chosen === 0 ? 1 : isUsual ? REFERENCE_PART : 1 - REFERENCE_PART;
  const byRole = Map.groupBy(drafts, ({ role }) => role);
  const counts = new Map(
    Array.from(byRole, ([role, shown]) => {
      const metrics = new Set(shown.map(({ metric }) => metric.name)).size;
      const usual = shown.filter(({ isUsual }) => isUsual).length;
      return [role, { usual, chosen: chosen * run.points.length * metrics }];
    }),
  );
  return (role, isUsual, claimed = 0) => {
    const over = counts.get(role)?.[isUsual ? "usual" : "chosen"] ?? 0;
    return { over, confidence: 1 - (run.error * part(isUsual)) / Math.max(1, over - claimed) };
  };
}

function finished({ role, metric, pairs, estimated }: Draft, level: Level): Comparison {
  const [{ a, b }] = pairs as readonly [RepeatPair];
  const { low, high } = estimated.ratio(level.confidence);
  const isAlone = pairs.length === 1;
  return {
    a: a.summary.arm,
    b: b.summary.arm,
    parameters: a.summary.parameters,
    metric: metric.name,
    unit: metricOf(metric.key).unit,
    role,
    ratio: estimated.ratio(CONFIDENCE),
    difference: estimated.difference,
    confidence: CONFIDENCE,
    adjusted: { low, high, over: level.over },
    claim: pairs.length < REPEATS_FOR_CLAIMS ? "none" : claimOf({ low, high }),
    method: estimated.method,
    n: isAlone ? a.summary.requests.ok : pairs.length,
    unitOfN: isAlone ? "requests" : "repeats",
  };
}

/** Metrics without an interval for want of requests or repeats, at the first point that lacks them. */
function notCompared(run: ComparedRun): NotCompared[] {
  return run.metrics.flatMap((metric) => {
    for (const point of run.points) {
      for (const pair of run.usual) {
        const pairs = pairRepeats(point, pair);
        const isKnown = pairs.every(({ a, b }) =>
          [a, b].every(({ summary }) => metric.read(summary) !== undefined),
        );
        if (pairs.length === 0 || !isKnown) continue;
        const why = run.estimator.missing(metric, pairs);
        if (why !== undefined) return [{ metric: metric.name, why }];
      }
    }
    return [];
  });
}
