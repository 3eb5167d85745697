/** Plans measured on the virtual clock inside this process: thousands of cells in a minute, no files. */
import { buildPlan } from "../../../core/plan/build.ts";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";
import { simulateCell } from "../../../core/run/simulated-cell.ts";
import type { CellResult } from "../../../core/contract/result.ts";
import type { Plan, PlannedCell } from "../../../core/contract/plan.ts";
import { BUNDLED } from "../../../plugins/bundled.ts";

const plugins = new PluginSet(BUNDLED, {});
const { signal } = new AbortController();
const breathe = async (): Promise<void> => {};

/** The plan of `dynbench run` with these options, on the virtual clock. */
export function virtualPlan(options: Readonly<Record<string, unknown>>): Plan {
  const all = { clock: "virtual", ...options };
  const raw = Object.entries(all).map(([name, value]) => ({ name, value, origin: name }));
  return buildPlan({ options: raw, engineArgs: [] }, plugins).plan;
}

export async function measure(plan: Plan, cell: PlannedCell): Promise<CellResult> {
  const { result, fault } = await simulateCell(plan, cell, { plugins, signal, breathe });
  if (fault !== undefined) throw fault;
  return result;
}
