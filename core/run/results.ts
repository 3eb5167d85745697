/** From what a run left (plan, outcomes, records) to its results: used live, and to rebuild reports. */
import { drawRequests, readRows } from "../load/draw.ts";
import type { CellOutcome } from "./run-folder.ts";
import type { CellTally } from "../metrics/cell-tally.ts";
import { IdealCache } from "../metrics/ideal.ts";
import type { CellResult, RunResult } from "../metrics/result.ts";
import { summarizeCell, summarizeRun } from "../metrics/summary.ts";
import type { Plan, PlannedCell } from "../plan/plan.ts";
import type { Router, Workload } from "../plugin.ts";
import type { PluginSet } from "../plugin-set.ts";
import type { RequestRecord } from "../record.ts";
import { USUAL_BLOCK_SIZE } from "../request.ts";

/** Ideal share by what the requests of a cell follow from. */
export type IdealShares = Map<string, number>;

export async function cellResult(
  plan: Plan,
  cell: PlannedCell,
  details: {
    outcome: CellOutcome;
    records: readonly RequestRecord[] | CellTally;
    plugins: PluginSet;
    /** Of the cells before: other arms are sent the same requests. */
    ideals?: IdealShares;
  },
): Promise<CellResult> {
  const { outcome, records, plugins } = details;
  const arm = plan.arms[cell.arm]!;
  const router = (await plugins.load(arm.router)) as Router;
  const { latenessMs: _, ...health } = outcome.health ?? { latenessMs: undefined };
  return summarizeCell({
    cell,
    arm,
    clock: plan.clock,
    state: outcome.state,
    records,
    health,
    workers: outcome.workers,
    idealShare:
      outcome.idealShare ??
      (await knownIdealShare(cell, { outcome, plugins, ideals: details.ideals })),
    timeScale: outcome.timeScale,
    ...(outcome.itlMs === undefined ? {} : { itlMs: outcome.itlMs }),
    ...(outcome.routerCost === undefined ? {} : { routerCost: outcome.routerCost }),
    evidence: {
      traits: router.traits(arm.router.options),
      findings: outcome.findings,
      ...(outcome.machineCpuShare === undefined
        ? {}
        : { machineCpuShare: outcome.machineCpuShare }),
    },
  });
}

/** The run of the cells so far, in the plan's order: the same live as rebuilt from the folder. */
export function runResult(
  plan: Plan,
  cells: readonly CellResult[],
  details: {
    facts: RunResult["facts"];
    startedAt: string;
    command: string;
    everyPair?: boolean;
  },
): RunResult {
  const { facts, startedAt, command, everyPair = false } = details;
  const order = new Map(plan.cells.map(({ id }, i) => [id, i]));
  const sorted = cells.toSorted((a, b) => order.get(a.cell.id)! - order.get(b.cell.id)!);
  const summary = summarizeRun({ plan, cells: sorted, startedAt, everyPair });
  return { plan, facts, summary, cells: sorted, command };
}

async function knownIdealShare(
  cell: PlannedCell,
  details: { outcome: CellOutcome; plugins: PluginSet; ideals: IdealShares | undefined },
): Promise<number> {
  const { workload, load, seed } = cell;
  const blockSize = details.outcome.workers[0]?.blockSize;
  const key = JSON.stringify([workload, load.requests, load.warmup, seed, blockSize]);
  const share = details.ideals?.get(key) ?? (await idealShare(cell, details));
  details.ideals?.set(key, share);
  return share;
}

/** The ideal for the requests of this very cell, drawn again from its seed. */
async function idealShare(
  cell: PlannedCell,
  { outcome, plugins }: { outcome: CellOutcome; plugins: PluginSet },
): Promise<number> {
  const workload = (await plugins.load(cell.workload)) as Workload;
  const rows = await readRows(cell, workload, AbortSignal.timeout(600_000));
  const cache = new IdealCache({
    blockSize: outcome.workers[0]?.blockSize ?? USUAL_BLOCK_SIZE,
  });
  let position = 0;
  for await (const request of drawRequests(cell, workload, rows)) {
    cache.add(request, position >= cell.load.warmup);
    position += 1;
  }
  return cache.shares.ideal;
}
