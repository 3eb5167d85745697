/**
 * From the records of a cell to its result, and from the results of all cells to the summary of the
 * run. Warm-up is left out of every figure; latencies are those of completed requests.
 */
import { given } from "../../base/given.ts";
import type { LoadShape, Plan, PlannedArm, PlannedCell } from "../../contract/plan.ts";
import type { RequestRecord } from "../../contract/record.ts";
import type { WorkerRole } from "../../contract/request.ts";
import { CellTally, pointsInSendOrder } from "../tally/cell-tally.ts";
import { compareArms } from "../compare/compare.ts";
import { controlFindings } from "../compare/control.ts";
import { blockOf } from "../looks.ts";
import { crossingFindings, crossings } from "../compare/crossing.ts";
import { withSeries } from "../tally/in-flight.ts";
import { probe, quantilesOf } from "../../statistics/quantiles.ts";
import type {
  CellCache,
  CellMetrics,
  CellResult,
  CellSummary,
  ClientHealth,
  PooledCache,
  Quantiles,
  RequestPoints,
  RouterCost,
  Summary,
  WorkerShare,
} from "../../contract/result.ts";
import { designOf } from "./design.ts";
import { judgeCell, judgeRun } from "../verdict/trust.ts";
import type { Evidence } from "../verdict/trust-check.ts";
import { sendRates } from "../tally/send-rate.ts";
import { keptShare } from "../tally/slo.ts";
import { tierResults } from "../tally/tier-tally.ts";
import { WeightedSamples } from "../../statistics/weighted-samples.ts";

const NS_PER_MS = 1e6;

/** A mean above this is reported: rounding explains no more. */
const TOKENS_PER_CHUNK_MIN = 1.001;

export interface CellInput {
  readonly cell: PlannedCell;
  readonly arm: PlannedArm;
  readonly clock: Plan["clock"];
  readonly state: CellSummary["state"];
  /** In any order; a tally when the records were streamed. */
  readonly records: Iterable<RequestRecord> | CellTally;
  /** Health that the load process reported of itself; lateness comes from the records. */
  readonly health: Omit<ClientHealth, "latenessMs">;
  /** Every worker of the engine, also those that served nothing. */
  readonly workers: readonly { readonly id: string; readonly role: WorkerRole }[];
  /** URLs that the load was sent to, where there were several; `target` of a record is an index into it. */
  readonly targets?: readonly string[] | undefined;
  readonly idealShare: number;
  readonly pooled?: PooledCache;
  /** How much faster than the modelled hardware the engine ran. */
  readonly timeScale: number;
  readonly routerCost?: RouterCost;
  /** Virtual clock: ITL of the workers' decode steps, which records do not hold. */
  readonly itlMs?: Quantiles;
  /** What the trust checks need beside the records. */
  readonly evidence: Evidence;
}

/** One cell's figures, points and series, with its verdict. */
export function summarizeCell(input: CellInput): CellResult {
  const tally = input.records instanceof CellTally ? input.records : CellTally.of(input.records);
  const points = pointsInSendOrder(tally.points);
  const workers = workerShares(tally, input.workers);
  const { sent, ok, failed, dropped, aborted } = tally.counts;
  const summary: CellSummary = {
    id: input.cell.id,
    arm: input.arm.label,
    engine: input.arm.engine.name,
    router: input.arm.router.name,
    workload: input.cell.workload.name,
    clock: input.clock,
    timeScale: input.timeScale,
    parameters: input.cell.parameters,
    repeat: input.cell.repeat,
    seed: input.cell.seed,
    state: input.state,
    requests: { sent, ok, failed, dropped, ...(aborted === 0 ? {} : { aborted }) },
    durationS: tally.durationS,
    metrics: cellMetrics(tally, { points, itlMs: input.itlMs }),
    cache: { ...cacheShares(tally, input.idealShare), ...given({ pooled: input.pooled }) },
    workers,
    ...goodputOf(tally, sloShareOf(points, tally, input.cell.load)),
    ...tierResults(tally.tiers, input.cell.load, input.cell.seed),
    client: {
      latenessMs: latenessOf(points),
      ...sendRates(points, input.cell.load),
      ...input.health,
    },
    ...given({ routerCost: input.routerCost }),
    errors: errorsOf(tally, input.targets),
    verdict: { state: "trusted", reasons: [] },
  };
  summary.verdict = judgeCell({
    summary,
    tally,
    points,
    load: input.cell.load,
    evidence: input.evidence,
  });
  const ids = workers.map((worker) => worker.id);
  return withSeries({ cell: input.cell, summary, points }, tally, ids);
}

/** Most frequent first, each with its URL where the load was sent to several. */
function errorsOf({ failures }: CellTally, urls: readonly string[] = []): CellSummary["errors"] {
  return [...failures.values()]
    .sort((a, b) => b.count - a.count)
    .map(({ target, count, ...group }) => {
      const url = target === undefined ? undefined : urls[target];
      return { ...group, ...given({ url }), count };
    });
}

export interface RunInput {
  readonly plan: Plan;
  readonly cells: readonly CellResult[];
  /** ISO 8601. */
  readonly startedAt: string;
  /** Compare every pair of arms, not only the pairs that matter most. */
  readonly everyPair?: boolean;
}

/** The summary of a run; of one that was stopped early, of the cells that were measured. */
export function summarizeRun({ plan, ...input }: RunInput): Summary {
  const cells = input.cells.map((cell) => cell.summary);
  const compared = compareArms(input.cells, { ...plan, everyPair: input.everyPair === true });
  const due = cellsDue(plan, input.cells);
  const repeats = plan.until === undefined ? plan.repeats : compared.until!.repeats;
  return {
    schemaVersion: 2,
    tool: plan.tool,
    startedAt: input.startedAt,
    verdict: judgeRun(cells, {
      arms: plan.arms.length,
      repeats,
      cellsPlanned: due.length,
      findings: [
        ...controlFindings(compared.control),
        ...crossingFindings(crossings(plan.arms, cells)),
      ],
    }),
    design: designOf({ ...plan, cells: due, repeats }),
    cells,
    ...compared,
  };
}

/** Planned cells, less the blocks of repeats that were no longer needed. */
function cellsDue({ cells, until }: Plan, measured: readonly CellResult[]): readonly PlannedCell[] {
  if (until === undefined) return cells;
  const last = measured.reduce(
    (block, { cell }) => Math.max(block, blockOf(until, cell.repeat)),
    0,
  );
  return cells.filter(({ repeat }) => blockOf(until, repeat) <= last);
}

function cellMetrics(
  tally: CellTally,
  from: { points: RequestPoints; itlMs: Quantiles | undefined },
): CellMetrics {
  const { points } = from;
  const statistics: Partial<Record<keyof CellMetrics, Quantiles | undefined>> = {
    ttftMs: quantilesOf(WeightedSamples.of(points.ttftMs)),
    itlMs: from.itlMs ?? quantilesOf(tally.gaps, NS_PER_MS),
    tpotMs: quantilesOf(WeightedSamples.of(points.tpotMs)),
    e2eMs: quantilesOf(WeightedSamples.of(points.e2eMs)),
    isl: quantilesOf(WeightedSamples.of(tally.isl)),
    osl: quantilesOf(WeightedSamples.of(points.osl)),
  };
  const known = Object.fromEntries(Object.entries(statistics).filter(([, value]) => value));
  const perSecond = (amount: number): number =>
    tally.durationS > 0 ? amount / tally.durationS : 0;
  const tokensPerChunk = tally.sums.chunkTokens / tally.sums.chunks;
  return {
    ...known,
    ...(tokensPerChunk > TOKENS_PER_CHUNK_MIN ? { tokensPerChunk } : {}),
    requestRps: perSecond(tally.counts.ok),
    inputTps: perSecond(tally.sums.inputTokens),
    outputTps: perSecond(tally.sums.outputTokens),
  };
}

function sloShareOf(
  { ttftMs, tpotMs, e2eMs }: RequestPoints,
  { counts }: CellTally,
  { slo }: LoadShape,
): number | undefined {
  const completed = ttftMs.flatMap((ttft, i) =>
    Number.isNaN(e2eMs[i]) ? [] : [{ ttftMs: ttft, tpotMs: tpotMs[i]!, e2eMs: e2eMs[i]! }],
  );
  return slo && keptShare(completed, counts, slo);
}

function goodputOf(
  { counts, durationS }: CellTally,
  sloShare: number | undefined,
): Pick<CellSummary, "sloShare" | "goodputRps"> {
  if (sloShare === undefined) return {};
  const kept = sloShare * (counts.ok + counts.failed + counts.dropped);
  return { sloShare, ...(durationS > 0 ? { goodputRps: kept / durationS } : {}) };
}

function cacheShares(tally: CellTally, idealShare: number): CellCache {
  if (tally.cache.promptTokens === 0) return { idealShare };
  const cachedShare = tally.cache.cachedTokens / tally.cache.promptTokens;
  return {
    cachedShare,
    idealShare,
    ...expectedShares(tally),
    ...(idealShare > 0 ? { reachedShare: cachedShare / idealShare } : {}),
  };
}

/** Only where the router reported every request: shares of a part of them would not add up. */
function expectedShares({ expected, cache }: CellTally): Partial<CellCache> {
  return {
    ...(expected.requests === cache.requests
      ? { expectedShare: expected.tokens / cache.promptTokens }
      : {}),
    ...(expected.bestRequests === cache.requests
      ? { presentShare: expected.bestTokens / cache.promptTokens }
      : {}),
  };
}

/** The engine's workers in its order, then any that only the answers named. */
function workerShares(tally: CellTally, workers: CellInput["workers"]): WorkerShare[] {
  const ids = new Set([...workers.map(({ id }) => id), ...tally.workers.keys()]);
  const roles = new Map(workers.map(({ id, role }) => [id, role]));
  return [...ids].map((id) => {
    const share = tally.workers.get(id) ?? { id, requests: 0, promptTokens: 0, cachedTokens: 0 };
    const role = roles.get(id);
    return role === undefined || role === "aggregated" ? share : { ...share, role };
  });
}

/** Zeros when nothing was sent. */
function latenessOf(points: RequestPoints): ClientHealth["latenessMs"] {
  if (points.latenessMs.length === 0) return { p50: 0, p99: 0, max: 0 };
  const [p50, p99, max] = probe(WeightedSamples.of(points.latenessMs), [0.5, 0.99, 1]);
  return { p50: p50!, p99: p99!, max: max! };
}
