/**
 * Which arms are compared with which, reference first. An arm that measures another one again is the
 * control (`control.ts`) and competes with none.
 *
 * Among the arms of one engine, every arm is compared with round robin, or with the first arm where
 * there is no round robin. Of three or more arms the best is also compared with the second best,
 * because that is the choice to be made. Across engines, and across runs, an arm is compared with the
 * arm of the first engine that has the same router; where no router is common, the references are
 * compared with each other.
 */
import type { PlannedArm } from "../../contract/plan.ts";
import { log } from "../../base/portable-math.ts";
import type { CellSummary } from "../../contract/result.ts";
import { referenceArm } from "../reference-arm.ts";

/** Indices of arms: ratios are second / first. */
export type ArmPair = readonly [a: number, b: number];

/** All pairs of arms that compete. */
function possiblePairs(arms: readonly PlannedArm[]): ArmPair[] {
  const own = competitors(arms);
  return own.flatMap((a, i) => own.slice(i + 1).map((b): ArmPair => [a, b]));
}

/** How many these are: they are not made for it, because thousands of arms have millions of pairs. */
export function possiblePairCount(arms: readonly PlannedArm[]): number {
  const { length } = competitors(arms);
  return (length * (length - 1)) / 2;
}

/** `cells`: the completed ones. `every`: all pairs of arms, those of `usualPairs` first. */
export function armPairs(
  arms: readonly PlannedArm[],
  of: { readonly cells: readonly CellSummary[]; readonly every?: boolean },
): ArmPair[] {
  const pairs = new Map(usualPairs(arms).map((pair) => [pairKey(pair), pair]));
  const add = (pair: ArmPair): void => {
    if (!pairs.has(pairKey(pair))) pairs.set(pairKey(pair), pair);
  };
  for (const group of engineGroups(arms)) {
    const [best, second] = group.length < 3 ? [] : rank(group, arms, of.cells);
    if (best !== undefined && second !== undefined) add([second, best]);
  }
  for (const pair of bestAcross(arms, of.cells)) add(pair);
  if (of.every === true) for (const pair of possiblePairs(arms)) add(pair);
  return [...pairs.values()];
}

/** Each arm against its reference, and the engines against each other. */
export function usualPairs(arms: readonly PlannedArm[]): ArmPair[] {
  const groups = engineGroups(arms);
  const references = groups.map((group) => referenceArm(group, arms));
  const within = groups.flatMap((group, i) =>
    group.filter((arm) => arm !== references[i]).map((arm): ArmPair => [references[i]!, arm]),
  );
  const across = groups.slice(1).flatMap((group, i): ArmPair[] => {
    const twins = group.flatMap((arm): ArmPair[] => {
      const twin = groups[0]!.find((first) => haveSameRouter(arms[first]!, arms[arm]!));
      return twin === undefined ? [] : [[twin, arm]];
    });
    return twins.length > 0 ? twins : [[references[0]!, references[i + 1]!]];
  });
  return [...within, ...across];
}

/** The best arm of each other plane against the best of the first plane; control arms do not compete. */
function bestAcross(arms: readonly PlannedArm[], cells: readonly CellSummary[]): ArmPair[] {
  const contenders = competitors(arms).filter((arm) => !arms[arm]!.isControl);
  const planes = Map.groupBy(contenders, (arm) => arms[arm]!.plane);
  const best = [...planes.values()].flatMap((group) => rank(group, arms, cells).slice(0, 1));
  return best.slice(1).map((arm): ArmPair => [best[0]!, arm]);
}

/** The same router with the same options. */
export function haveSameRouter(a: PlannedArm, b: PlannedArm): boolean {
  return (
    a.router.name === b.router.name &&
    JSON.stringify(a.router.options) === JSON.stringify(b.router.options)
  );
}

/** Arms of each engine, in the plan's order. */
function engineGroups(arms: readonly PlannedArm[]): number[][] {
  return [...Map.groupBy(competitors(arms), (arm) => arms[arm]!.engineKey).values()];
}

/** Arms that are no second measurement of another. */
export function competitors(arms: readonly PlannedArm[]): number[] {
  return [...arms.keys()].filter((arm) => arms[arm]!.twinOf === undefined);
}

/** Sorted by the geometric mean of mean TTFT over the points that all arms of the group have, lowest first. */
function rank(
  group: readonly number[],
  arms: readonly PlannedArm[],
  cells: readonly CellSummary[],
): number[] {
  const points = Map.groupBy(cells, (cell) => JSON.stringify(cell.parameters));
  const scores = new Map(group.map((arm) => [arm, 0]));
  let isKnown = false;
  for (const atPoint of points.values()) {
    const byArm = Map.groupBy(atPoint, ({ arm }) => arm);
    const means = group.map((arm) => {
      const own = byArm.get(arms[arm]!.label) ?? [];
      return own.reduce((sum, cell) => sum + (cell.metrics.ttftMs?.mean ?? NaN), 0) / own.length;
    });
    if (!means.every((mean) => mean > 0)) continue;
    isKnown = true;
    group.forEach((arm, i) => scores.set(arm, scores.get(arm)! + log(means[i]!)));
  }
  return isKnown ? group.toSorted((x, y) => scores.get(x)! - scores.get(y)!) : [];
}

/** The same for both orders of a pair. */
export function pairKey([a, b]: ArmPair): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
