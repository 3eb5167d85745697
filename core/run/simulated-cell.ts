/** A cell simulated in this process for its figures alone: nothing is written, nothing is reported. */
import { simulationOf } from "./virtual-run.ts";
import { given } from "../base/given.ts";
import type { Engine } from "../contract/engine.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { CellResult } from "../contract/result.ts";
import type { Router } from "../contract/router.ts";
import { CellTally } from "../metrics/tally/cell-tally.ts";
import { summarizeCell } from "../metrics/summary/summary.ts";
import { NO_DELAYS } from "../plan/sim-options.ts";
import { quantilesOf } from "../statistics/quantiles.ts";

const NS_PER_MS = 1e6;
const EVENTS_PER_SLICE = 10_000;

/** Undefined where `mayGoOn` stops it, which is asked every few milliseconds. Throws where the arm cannot be simulated. */
export async function simulatedCell(
  plan: Plan,
  cell: PlannedCell,
  { plugins, mayGoOn }: { plugins: Plugins; mayGoOn: () => boolean },
): Promise<CellResult | undefined> {
  const arm = plan.arms[cell.arm]!;
  const engine = (await plugins.load(arm.engine)) as Engine;
  const router = (await plugins.load(arm.router)) as Router;
  const model = engine.model!(arm.engine.options);
  const tally = new CellTally();
  const simulation = await simulationOf(
    {
      plan: { ...plan, sim: plan.sim ?? NO_DELAYS },
      cell,
      model,
      plugins,
      policy: () => router.policy!(arm.router.options),
      signal: new AbortController().signal,
    },
    { onRecord: (record) => tally.add(record) },
  );
  for (let state = simulation.run(EVENTS_PER_SLICE); state !== true;) {
    if (!mayGoOn()) return undefined;
    if (state !== false) await state;
    state = simulation.run(EVENTS_PER_SLICE);
  }
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
    ...given({ itlMs: quantilesOf(simulation.gaps, NS_PER_MS) }),
    evidence: { traits: router.traits(arm.router.options) },
  });
}
