/** How often each arm is measured: repeats, when they end early, the control; and what decides. */
import type { Fault } from "../base/errors.ts";
import { given } from "../base/given.ts";
import { deriveSeed } from "../base/random.ts";
import {
  PRIMARY_METRICS,
  type PlannedArm,
  type PlannedCell,
  type PrimaryMetric,
  type Until,
} from "../contract/plan.ts";
import { blockOf } from "../metrics/looks.ts";
import { referenceArm } from "../metrics/reference-arm.ts";
import { REPEATS_FOR_CLAIMS } from "../statistics/mean-interval.ts";
import type { PlannedPoint } from "./planned-points.ts";
import { typedMetric, type RunOptions } from "./run-options.ts";

/** Repeats that `--until` adds at once: each of two arms is once first. */
const BLOCK = 2;

export interface Repetition {
  /** With `until` the most that are run. */
  readonly repeats: number;
  readonly until?: Until;
  readonly isControlled: boolean;
}

/** Arms that are compared on the wall clock are measured three times: with one nothing can be claimed. */
export function repetitionOf(
  run: RunOptions | undefined,
  { arms }: { arms: number },
  faults: Fault[],
): Repetition {
  if (run === undefined) return { repeats: 1, isControlled: false };
  const isCompared = arms > 1;
  const usual =
    isCompared && (run.clock === "wall" || run.until !== undefined) ? REPEATS_FOR_CLAIMS : 1;
  const first = run.repeat ?? usual;
  const until =
    run.until === undefined ? undefined : untilOf(run.until, { run, first, arms }, faults);
  const isWorthControl = run.clock === "virtual" || first >= REPEATS_FOR_CLAIMS;
  return {
    repeats: until === undefined ? first : Math.max(first, run.maxRepeat),
    ...given({ until }),
    isControlled: isCompared && (run.control ?? (isWorthControl ? "aa" : "off")) === "aa",
  };
}

function untilOf(
  text: string,
  { run, first, arms }: { run: RunOptions; first: number; arms: number },
  faults: Fault[],
): Until | undefined {
  const fault = (path: string, message: string, hint: string): undefined =>
    void faults.push({ path: `run.${path}`, message, hint });
  const percent = /^(\d+\.?\d*|\.\d+)\s*%$/.exec(text)?.[1];
  const halfWidth = percent === undefined ? undefined : Number(percent) / 100;
  if (text !== "decided" && !(halfWidth !== undefined && halfWidth > 0 && halfWidth < 1)) {
    return fault("until", `expected decided or a percentage, got "${text}"`, "--until 2%");
  }
  if (arms < 2) {
    return fault("until", "has nothing to decide: there is one arm", "--router kv,round-robin");
  }
  if (first < REPEATS_FOR_CLAIMS) {
    const hint = `Leave --repeat out, or give at least ${REPEATS_FOR_CLAIMS}`;
    return fault("repeat", `is ${first}: too few for --until to decide anything`, hint);
  }
  const maxTimeS = run.maxTime === undefined ? undefined : secondsOf(run.maxTime);
  if (run.maxTime !== undefined && maxTimeS === undefined) {
    return fault("maxTime", `expected a time, got "${run.maxTime}"`, "--max-time 10m");
  }
  const rule = halfWidth === undefined ? "decided" : "width";
  return { rule, first, block: BLOCK, ...given({ halfWidth, maxTimeS }) };
}

const SECONDS = { s: 1, m: 60, h: 3600 } as const;

function secondsOf(text: string): number | undefined {
  const [, amount, unit] = /^(\d+\.?\d*|\.\d+)\s*([smh])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * SECONDS[unit as keyof typeof SECONDS];
}

/** The arms, and the reference of the first engine's arms a second time. */
export function withControl(
  arms: readonly PlannedArm[],
  { isControlled }: Repetition,
): readonly PlannedArm[] {
  const first = arms[0];
  if (!isControlled || first === undefined) return arms;
  const group = [...arms.keys()].filter((arm) => arms[arm]!.engineKey === first.engineKey);
  const twinOf = referenceArm(group, arms);
  const { isControl: _, ...original } = arms[twinOf]!;
  return [...arms, { ...original, label: `${original.label}-again`, twinOf }];
}

/**
 * The cells in the order in which they run. A second measurement of an arm draws anew what its router
 * draws at random; all cells of a block of repeats come before the next, because the run may end there.
 */
export function arranged(
  cells: readonly PlannedCell[],
  arms: readonly PlannedArm[],
  until: Until | undefined,
): PlannedCell[] {
  const drawn = cells.map((cell) =>
    arms[cell.arm]!.twinOf === undefined
      ? cell
      : { ...cell, routerSeed: deriveSeed(cell.seed, "again") },
  );
  if (until === undefined) return drawn;
  return drawn.toSorted((x, y) => blockOf(until, x.repeat) - blockOf(until, y.repeat));
}

/** The metric that decides, by its name in results. */
export function primaryOf({ primary }: RunOptions): PrimaryMetric {
  return PRIMARY_METRICS.find((name) => typedMetric(name) === primary)!;
}

/** A metric about limits needs limits. */
export function primaryFaults(
  primary: PrimaryMetric,
  points: readonly Pick<PlannedPoint, "load">[],
): Fault[] {
  const needsLimits = ["sloShare", "goodputRps"].includes(primary);
  if (!needsLimits || points.every(({ load }) => load.slo !== undefined)) return [];
  const message = `is ${typedMetric(primary)}, which needs the limits of --slo`;
  return [{ path: "run.primary", message, hint: "--slo ttft=500,tpot=50" }];
}
