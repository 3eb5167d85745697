/** From what a run leaves (plan, outcomes, tallies of records) to its results: in a run, and to rebuild reports. */
import { given } from "../base/given.ts";
import type { CellOutcome } from "./folder/run-folder.ts";
import type { CellTally } from "../metrics/tally/cell-tally.ts";
import type { CacheBounds, CellResult, RunResult } from "../contract/result.ts";
import { summarizeCell, summarizeRun } from "../metrics/summary/summary.ts";
import { cacheBounds, poolOf, type KnownBounds } from "../plan/cache-bounds.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Router } from "../contract/router.ts";
import type { Engine } from "../contract/engine.ts";
import { partOfCell } from "./findings.ts";
import type { Plugins } from "../contract/plugins.ts";
import { USUAL_BLOCK_SIZE } from "../contract/request.ts";

export interface CellDetails {
  readonly outcome: CellOutcome;
  /** Of all its records. */
  readonly tally: CellTally;
  readonly plugins: Plugins;
  /** Bounds found so far; those of this cell are added. */
  readonly bounds: KnownBounds;
}

export async function cellResult(
  plan: Plan,
  cell: PlannedCell,
  details: CellDetails,
): Promise<CellResult> {
  const { outcome, tally, plugins } = details;
  const arm = plan.arms[cell.arm]!;
  const router = (await plugins.load(arm.router)) as Router;
  const { latenessMs: _, ...health } = outcome.health ?? { latenessMs: undefined };
  return summarizeCell({
    cell,
    arm,
    clock: plan.clock,
    state: outcome.state,
    records: tally,
    health,
    workers: outcome.workers,
    targets: outcome.targets,
    ...(await boundsOf(plan, cell, details)),
    timeScale: outcome.timeScale,
    ...given({ itlMs: outcome.itlMs, routerCost: outcome.routerCost }),
    evidence: {
      traits: router.traits(arm.router.options),
      findings: outcome.findings,
      ...given({ smallestCacheTokens: smallestCache(outcome.workers) }),
      ...given({
        prefixesFound: outcome.prefixesFound,
        servedByWorkers: outcome.servedByWorkers,
        pauses: outcome.pauses,
        machineCpuShare: outcome.machineCpuShare,
        otherCores: outcome.otherCores,
      }),
    },
  });
}

/**
 * The outcome of a cell that never ended, because the run was killed in it: its records are a part of
 * what was planned. Undefined where none of them is measured. `like`: a finished cell of the same
 * engine, whose workers it had; else they are those of the engine's model, or unknown.
 */
export async function partOutcome(
  plan: Plan,
  cell: PlannedCell,
  of: {
    readonly tally: CellTally;
    readonly like: () => CellOutcome | undefined;
    readonly plugins: Plugins;
  },
): Promise<CellOutcome | undefined> {
  const { sent, dropped } = of.tally.counts;
  if (sent + dropped === 0) return undefined;
  const use = plan.arms[cell.arm]!.engine;
  const engine = (await of.plugins.load(use)) as Engine;
  const model = engine.model?.(use.options);
  const workers = model?.workers.map(({ id, role }) => {
    const { blockSize, kvBlocks } = model.limits;
    return { id, role, blockSize, ...given({ kvBlocks }) };
  });
  const like = of.like();
  return {
    id: cell.id,
    state: "failed",
    startedAt: "",
    workers: like?.workers ?? workers ?? [],
    timeScale: like?.timeScale ?? engine.timeScale?.(use.options) ?? 1,
    findings: [partOfCell(sent + dropped, cell.load.requests)],
  };
}

/** In tokens; undefined where a worker does not report its capacity. */
function smallestCache(workers: CellOutcome["workers"]): number | undefined {
  const tokens = workers
    .filter(({ role }) => role !== "decode")
    .map(({ blockSize, kvBlocks }) => blockSize * (kvBlocks ?? NaN));
  const smallest = Math.min(...tokens);
  return Number.isFinite(smallest) ? smallest : undefined;
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

/** As the simulation found them, or of the cell's requests. */
async function boundsOf(
  plan: Plan,
  cell: PlannedCell,
  { outcome, tally, plugins, bounds }: CellDetails,
): Promise<CacheBounds> {
  const { idealShare, pooled, workers } = outcome;
  const counted = countedRequests(tally);
  if (idealShare !== undefined && counted === undefined)
    return { idealShare, ...given({ pooled }) };
  const of = {
    blockSize: workers[0]?.blockSize ?? USUAL_BLOCK_SIZE,
    pool: await poolOf(plan, cell, { workers, plugins }),
    // A cell that broke off is held against what it sent, which may be little of what was planned.
    count: outcome.state === "completed" ? Infinity : tally.open.startNs.length,
    ...given({ counted }),
  };
  return cacheBounds(cell, of, { plugins, known: bounds });
}

/** Indices of the requests whose cached tokens are known; undefined where those are all, or none. */
function countedRequests({ cache, counts, points }: CellTally): ReadonlySet<number> | undefined {
  const all = counts.sent + counts.dropped;
  if (cache.requests === 0 || cache.requests === all) return undefined;
  const { e2eMs, cachedTokens, index } = points;
  return new Set(index.filter((_, i) => !Number.isNaN(e2eMs[i]! + cachedTokens[i]!)));
}
