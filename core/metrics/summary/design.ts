/** How the cells of a plan are arranged, read back from its cells: the same for a saved plan as for a new one. */
import type { Plan, PlannedCell } from "../../contract/plan.ts";
import type { Design } from "../../contract/result.ts";
import { SETTLING, settles } from "../../workload/settling.ts";

export function designOf(
  plan: Pick<Plan, "arms" | "cells" | "repeats" | "clock" | "settle">,
): Design {
  const { arms, cells, repeats } = plan;
  const order: Design["order"] = [];
  let before: PlannedCell | undefined;
  for (const cell of cells) {
    if (before !== undefined && isSameTurn(before, cell, arms)) {
      order.at(-1)!.arms.push(arms[cell.arm]!.label);
    } else {
      const { repeat, parameters } = cell;
      order.push({ repeat, parameters, arms: [arms[cell.arm]!.label] });
    }
    before = cell;
  }
  return { order, repeats, ...(settles(plan) ? { settling: { ...SETTLING } } : {}) };
}

function isSameTurn(a: PlannedCell, b: PlannedCell, arms: Plan["arms"]): boolean {
  return (
    a.repeat === b.repeat &&
    arms[a.arm]!.engineKey === arms[b.arm]!.engineKey &&
    Bun.deepEquals(a.parameters, b.parameters)
  );
}
