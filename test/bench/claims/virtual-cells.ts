/** Plans measured on the virtual clock inside this process: thousands of cells in a minute, no files. */
import { CellTally } from "../../../core/metrics/tally/cell-tally.ts";
import { summarizeCell } from "../../../core/metrics/summary/summary.ts";
import { buildPlan } from "../../../core/plan/build.ts";
import { PluginSet } from "../../../core/plugin-folder/plugin-set.ts";
import { simulationOf } from "../../../core/run/virtual-run.ts";
import { quantilesOf } from "../../../core/statistics/quantiles.ts";
import type { CellResult } from "../../../core/contract/result.ts";
import type { Engine } from "../../../core/contract/engine.ts";
import type { Plan, PlannedCell } from "../../../core/contract/plan.ts";
import type { Router } from "../../../core/contract/router.ts";
import { BUNDLED } from "../../../plugins/bundled.ts";

const NS_PER_MS = 1e6;
const SLICE = 1_000_000;

const plugins = new PluginSet(BUNDLED, {});

/** The plan of `dynbench run` with these options, on the virtual clock. */
export function virtualPlan(options: Readonly<Record<string, unknown>>): Plan {
  const all = { clock: "virtual", ...options };
  const raw = Object.entries(all).map(([name, value]) => ({ name, value, origin: name }));
  return buildPlan({ options: raw, engineArgs: [] }, plugins).plan;
}

export async function measure(plan: Plan, cell: PlannedCell): Promise<CellResult> {
  const arm = plan.arms[cell.arm]!;
  const engine = (await plugins.load(arm.engine)) as Engine;
  const router = (await plugins.load(arm.router)) as Router;
  const model = engine.model!(arm.engine.options);
  const tally = new CellTally();
  const simulation = await simulationOf(
    {
      plan,
      cell,
      model,
      plugins,
      policy: () => router.policy!(arm.router.options),
      signal: new AbortController().signal,
    },
    { onRecord: (record) => tally.add(record) },
  );
  for (let state = simulation.run(SLICE); state !== true; state = simulation.run(SLICE)) {
    if (state !== false) await state;
  }
  const itlMs = quantilesOf(simulation.gaps, NS_PER_MS);
  return summarizeCell({
    cell,
    arm,
    clock: "virtual",
    state: "completed",
    records: tally,
    health: {},
    workers: model.workers,
    idealShare: 0,
    timeScale: 1,
    ...(itlMs === undefined ? {} : { itlMs }),
    evidence: { traits: router.traits(arm.router.options) },
  });
}
