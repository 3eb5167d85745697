/** The arm of a group that the others are compared with: a control, round robin, or the first. */
import type { PlannedArm } from "../contract/plan.ts";

/** `group`: indexes of arms that share an engine, at least one. */
export function referenceArm(group: readonly number[], arms: readonly PlannedArm[]): number {
  return (
    group.find((arm) => arms[arm]!.isControl) ??
    group.find((arm) => arms[arm]!.router.name === "round-robin") ??
    group[0]!
  );
}
