/** From what a run left (plan, outcomes, records) to its results: used live, and to rebuild reports. */
import { given } from "../base/given.ts";
import { drawRequests, readRows } from "../workload/draw.ts";
import type { CellOutcome } from "./folder/run-folder.ts";
import { CellTally } from "../metrics/tally/cell-tally.ts";
import { IdealCache } from "../metrics/tally/ideal.ts";
import { PooledRequests } from "../metrics/tally/pooled.ts";
import type { CacheBounds, CellResult, RunResult } from "../contract/result.ts";
import { summarizeCell, summarizeRun } from "../metrics/summary/summary.ts";
import { optionSpecs } from "../plan/option-spec.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Router } from "../contract/router.ts";
import type { Workload } from "../contract/workload.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { RequestRecord } from "../contract/record.ts";
import { USUAL_BLOCK_SIZE } from "../contract/request.ts";

/** By what the requests of a cell follow from, and the caches they meet. */
export type KnownBounds = Map<string, CacheBounds>;

export async function cellResult(
  plan: Plan,
  cell: PlannedCell,
  details: {
    outcome: CellOutcome;
    records: readonly RequestRecord[] | CellTally;
    plugins: Plugins;
    /** Of the cells before: other arms are sent the same requests. */
    bounds?: KnownBounds;
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
    targets: outcome.targets,
    ...(await knownBounds(plan, cell, {
      outcome,
      plugins,
      bounds: details.bounds,
      // A cell that broke off is held against what it sent, which may be little of what was planned.
      count: outcome.state === "completed" ? Infinity : sentOf(records),
    })),
    timeScale: outcome.timeScale,
    ...given({ itlMs: outcome.itlMs, routerCost: outcome.routerCost }),
    evidence: {
      traits: router.traits(arm.router.options),
      findings: outcome.findings,
      ...given({ prefixesFound: outcome.prefixesFound, machineCpuShare: outcome.machineCpuShare }),
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

async function knownBounds(
  plan: Plan,
  cell: PlannedCell,
  details: {
    outcome: CellOutcome;
    plugins: Plugins;
    bounds: KnownBounds | undefined;
    /** So many of its requests, warm-up included, at most. */
    count: number;
  },
): Promise<CacheBounds> {
  const { outcome, plugins, bounds, count } = details;
  const { idealShare, pooled } = outcome;
  if (idealShare !== undefined) return { idealShare, ...given({ pooled }) };
  const workload = (await plugins.load(cell.workload)) as Workload;
  const pool = await poolOf(plan, cell, { workers: outcome.workers, plugins });
  const { workload: use, load, seed } = cell;
  const blockSize = outcome.workers[0]?.blockSize ?? USUAL_BLOCK_SIZE;
  const key = JSON.stringify([use, load.requests, load.warmup, seed, blockSize, pool, count]);
  const found = bounds?.get(key) ?? (await drawnBounds(cell, { workload, blockSize, pool, count }));
  bounds?.set(key, found);
  return found;
}

/** The bounds of the requests of this very cell, drawn again from its seed. */
async function drawnBounds(
  cell: PlannedCell,
  {
    workload,
    blockSize,
    pool,
    count,
  }: { workload: Workload; blockSize: number; pool: number | undefined; count: number },
): Promise<CacheBounds> {
  const rows = await readRows(cell, workload, AbortSignal.timeout(600_000));
  const ideal = new IdealCache({ blockSize });
  const requests = pool === undefined ? undefined : new PooledRequests(blockSize);
  let position = 0;
  for await (const request of drawRequests(cell, workload, rows)) {
    if (position >= count) break;
    const isMeasured = position >= cell.load.warmup;
    ideal.add(request, isMeasured);
    requests?.add(request, isMeasured);
    position += 1;
  }
  const pooled = pool === undefined ? undefined : requests?.served(pool);
  // NaN of a cell that sent nothing.
  return { idealShare: ideal.shares.ideal || 0, ...given({ pooled }) };
}

/** Requests that went out, warm-up included. */
function sentOf(records: readonly RequestRecord[] | CellTally): number {
  return records instanceof CellTally ? records.open.startNs.length : records.length;
}

function readsFile({ workload }: PlannedCell, { options }: Workload): boolean {
  return optionSpecs(options).some(
    ({ key, isFile }) => isFile && typeof workload.options[key] === "string",
  );
}

/** Of a workload that reads a file: blocks of all its workers' caches, where they tell. */
export async function poolOf(
  plan: Pick<Plan, "pooledBounds">,
  cell: PlannedCell,
  on: { workers: CellOutcome["workers"]; plugins: Plugins },
): Promise<number | undefined> {
  const { workers, plugins } = on;
  if (plan.pooledBounds === false) return undefined;
  const workload = (await plugins.load(cell.workload)) as Workload;
  return readsFile(cell, workload) ? pooledBlocks(workers) : undefined;
}

/** Blocks of all workers that compute prompts; undefined where one does not tell. */
function pooledBlocks(workers: CellOutcome["workers"]): number | undefined {
  const caches = workers.filter(({ role }) => role !== "decode").map(({ kvBlocks }) => kvBlocks);
  const known = caches.filter((blocks) => blocks !== undefined);
  if (known.length === 0 || known.length < caches.length) return undefined;
  return known.reduce((sum, blocks) => sum + blocks, 0);
}
