/**
 * Whether arms on different planes may be compared. They may at those points of the sweep where the
 * control pair agrees within a margin: two arms, one on each plane, that both deal requests in turn.
 */
import type { PlannedArm } from "../../contract/plan.ts";
import type { CellSummary, Finding } from "../../contract/result.ts";
import { atPoint, pointKey } from "../point.ts";

/** More than two repeats of one arm differ by, and less than the gain a router is chosen for. */
export const CONTROL_MARGIN = 0.05;

export interface Crossing {
  readonly parameters: CellSummary["parameters"];
  /** Labels of the control pair. */
  readonly control: readonly [string, string];
  /** Second divided by first, of means over repeats. */
  readonly ttftRatio: number;
  readonly e2eRatio: number;
  readonly isFair: boolean;
}

/** One for each point that both control arms completed; none when all arms are on one plane. */
export function crossings(arms: readonly PlannedArm[], cells: readonly CellSummary[]): Crossing[] {
  const [a, b] = controlPair(arms);
  if (a === undefined || b === undefined) return [];
  const points = Map.groupBy(cells, ({ parameters }) => pointKey(parameters));
  return [...points.values()].flatMap((own): Crossing[] => {
    const ratio = (metric: "ttftMs" | "e2eMs"): number =>
      meanOf(own, b.label, metric) / meanOf(own, a.label, metric);
    const [ttftRatio, e2eRatio] = [ratio("ttftMs"), ratio("e2eMs")];
    if (!(ttftRatio > 0 && e2eRatio > 0)) return [];
    const { parameters } = own[0]!;
    const isFair = isWithin(ttftRatio) && isWithin(e2eRatio);
    return [{ parameters, control: [a.label, b.label], ttftRatio, e2eRatio, isFair }];
  });
}

/** Whether two arms may be compared at every point, whatever the control pair shows there. */
export function isOnePlane(a: PlannedArm, b: PlannedArm): boolean {
  return a.plane === b.plane || (a.isControl === true && b.isControl === true);
}

/** Findings about the control pair: the points where it agrees, and those where it does not. */
export function crossingFindings(all: readonly Crossing[]): Finding[] {
  const margin = `${CONTROL_MARGIN * 100} %`;
  return [true, false].flatMap((isFair): Finding[] => {
    const own = all.filter((crossing) => crossing.isFair === isFair);
    if (own.length === 0) return [];
    const [a, b] = own[0]!.control;
    const ratios = own.map(
      ({ ttftRatio, e2eRatio, parameters }) =>
        `TTFT ${ttftRatio.toFixed(2)}x, E2E ${e2eRatio.toFixed(2)}x${atPoint(parameters)}`,
    );
    return [
      {
        id: isFair ? "planes-agree" : "planes-differ",
        severity: "note",
        message: `Control pair "${b}" against "${a}": ${ratios.join("; ")}; ${isFair ? "within" : "not within"} ${margin}`,
        hint: isFair
          ? "Arms of the two planes are compared at these points"
          : "Arms are not compared across the planes at these points: the difference would be that of the planes",
      },
    ];
  });
}

function controlPair(arms: readonly PlannedArm[]): readonly PlannedArm[] {
  const controls = arms.filter(({ isControl }) => isControl);
  const first = controls[0];
  const second = controls.find(({ plane }) => plane !== first?.plane);
  return first === undefined || second === undefined ? [] : [first, second];
}

function meanOf(cells: readonly CellSummary[], arm: string, metric: "ttftMs" | "e2eMs"): number {
  const means = cells
    .filter((cell) => cell.arm === arm && cell.state === "completed")
    .map((cell) => cell.metrics[metric]?.mean ?? NaN);
  return means.reduce((sum, mean) => sum + mean, 0) / means.length;
}

function isWithin(ratio: number): boolean {
  return ratio <= 1 + CONTROL_MARGIN && ratio >= 1 / (1 + CONTROL_MARGIN);
}
