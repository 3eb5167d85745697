/**
 * One cell on the virtual clock, from the plan to its result, in the thread that asks for it. No
 * process is started and no port is bound.
 */
import { watchSimulated } from "./cell-findings.ts";
import { brokenCell, overloadFinding, policyFinding } from "./findings.ts";
import { CellRecorder, type CellLines } from "./recorder.ts";
import { cellResult } from "./results.ts";
import { startedOutcome, type CellOutcome } from "./folder/run-folder.ts";
import { DynbenchError } from "../base/errors.ts";
import { given } from "../base/given.ts";
import { monotonicNs } from "../system/clock.ts";
import type { Engine, EngineModel } from "../contract/engine.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { CellResult } from "../contract/result.ts";
import type { Router } from "../contract/router.ts";
import type { RoutingPolicy } from "../contract/routing-policy.ts";
import type { Workload } from "../contract/workload.ts";
import { KnownBounds, poolOf } from "../plan/cache-bounds.ts";
import { NO_DELAYS } from "../plan/sim-options.ts";
import type { SimCounts, SimOutput } from "../simulate/sim-task.ts";
import { Simulation } from "../simulate/simulation.ts";
import { quantilesOf } from "../statistics/quantiles.ts";
import { drawRequests, readRows } from "../workload/draw.ts";
import type { DrawnRequests } from "../workload/drawn.ts";
import type { Requests } from "../workload/requests.ts";

/** Events between two looks at the clock: some milliseconds. */
const EVENTS_PER_SLICE = 10_000;
const NS_PER_MS = 1e6;
/** From here on a simulation leaves hundreds of megabytes, which are worth a collection of their own. */
const MANY_REQUESTS = 200_000;

export interface SimulatedCell {
  readonly outcome: CellOutcome;
  readonly result: CellResult;
  /** What must end the run; a load too high is the cell's result. */
  readonly fault?: unknown;
}

/** Gives the event loop a turn when it is time for one, after `report`. */
export type Breathe = (report?: () => void) => Promise<void>;

export interface CellDeps {
  readonly plugins: Plugins;
  /** What is in flight then is recorded as aborted. */
  readonly signal: AbortSignal;
  readonly breathe: Breathe;
  /** Takes records and decisions as lines; left out where the result alone is wanted. */
  readonly lines?: CellLines;
  readonly meter?: CellMeter;
  /** Requests that other arms were sent; left out: each cell's are drawn for it. */
  readonly drawn?: DrawnRequests;
}

/** Progress of a cell. */
export interface CellMeter {
  record(record: RequestRecord): void;
  counts(counts: SimCounts, nowNs: number): void;
}

/** Throws where the arm cannot be simulated. */
export async function simulateCell(
  plan: Plan,
  cell: PlannedCell,
  deps: CellDeps,
): Promise<SimulatedCell> {
  const { plugins, lines, meter } = deps;
  const arm = plan.arms[cell.arm]!;
  const engine = (await plugins.load(arm.engine)) as Engine;
  const model = engine.model!(arm.engine.options);
  const { blockSize, kvBlocks } = model.limits;
  const outcome = startedOutcome(cell, {
    workers: model.workers.map((worker) => ({ ...worker, blockSize, ...given({ kvBlocks }) })),
    timeScale: engine.timeScale?.(arm.engine.options),
  });
  const watch = watchSimulated();
  const recorder = new CellRecorder({ cell: cell.id, watch, ...given({ lines, meter }) });
  const { tally } = recorder;
  const fault = await simulateInto(outcome, recorder, { ...deps, plan, cell, model });
  // The summary needs as much again; let it have what the simulation held.
  if (tally.counts.sent >= MANY_REQUESTS) Bun.gc(true);
  const bounds = new KnownBounds();
  const result = await cellResult(plan, cell, { outcome, tally, plugins, bounds });
  return { outcome, result, ...given({ fault }) };
}

/** Fills outcome and recorder. Returns what must end the run. */
async function simulateInto(
  outcome: CellOutcome,
  recorder: CellRecorder,
  deps: CellDeps & { readonly plan: Plan; readonly cell: PlannedCell; readonly model: EngineModel },
): Promise<unknown> {
  const { plan, cell, plugins, signal } = deps;
  const { router: use } = plan.arms[cell.arm]!;
  const router = (await plugins.load(use)) as Router;
  const policy = () => router.policy!(use.options);
  const pooledBlocks = await poolOf(plan, cell, { plugins, workers: outcome.workers });
  const simulation = await simulationOf(
    { ...deps, policy, pooledBlocks },
    {
      onRecord: (record) => recorder.simulated(record),
      onDecision: (decision) => recorder.decision(decision),
    },
  );
  let fault: unknown;
  try {
    await runSliced(simulation, deps);
    outcome.state = signal.aborted ? "aborted" : "completed";
  } catch (error) {
    simulation.stop("the simulation broke off");
    const isOverload = error instanceof DynbenchError && error.code === "load";
    outcome.findings.push(isOverload ? overloadFinding(error) : brokenCell(error));
    if (!isOverload) fault = error;
  }
  recorder.flush();
  const { policyFaults, firstPolicyFault } = simulation.counts;
  if (policyFaults > 0) outcome.findings.push(policyFinding(policyFaults, firstPolicyFault));
  outcome.findings.push(...recorder.findings());
  const itlMs = quantilesOf(simulation.gaps, NS_PER_MS);
  if (itlMs !== undefined) outcome.itlMs = itlMs;
  Object.assign(outcome, simulation.bounds);
  return fault;
}

/** Runs to the end, or until the signal. */
async function runSliced(simulation: Simulation, { meter, breathe, signal }: CellDeps) {
  for (;;) {
    const state = simulation.run(EVENTS_PER_SLICE);
    if (state === true) return;
    if (state !== false) await state;
    await breathe(() => meter?.counts(simulation.counts, simulation.nowNs));
    if (signal.aborted) return simulation.stop();
  }
}

/** A cell of the plan as a simulation that has not begun. */
export async function simulationOf(
  deps: {
    readonly plan: Plan;
    readonly cell: PlannedCell;
    readonly model: EngineModel;
    readonly policy: () => RoutingPolicy;
    readonly pooledBlocks?: number | undefined;
    /** Instead of the cell's own. */
    readonly requests?: Requests;
    readonly drawn?: DrawnRequests;
    readonly plugins: Plugins;
    readonly signal: AbortSignal;
  },
  output: SimOutput,
): Promise<Simulation> {
  const { plan, cell, plugins, signal, model, policy } = deps;
  const { router: use } = plan.arms[cell.arm]!;
  const router = (await plugins.load(use)) as Router;
  const workload = (await plugins.load(cell.workload)) as Workload;
  const kept = deps.requests ?? deps.drawn?.of(cell);
  const draw = async (): Promise<Requests> => {
    const requests = drawRequests(cell, workload, await readRows(cell, workload, signal));
    return deps.drawn?.keeping(cell, requests) ?? requests;
  };
  return new Simulation(
    {
      cell,
      engine: model,
      policy,
      policyName: router.name,
      sendsKey: router.traits(use.options).keyHeader !== undefined,
      requests: kept ?? (await draw()),
      replicas: plan.replicas,
      settings: plan.sim ?? NO_DELAYS,
      pooledBlocks: deps.pooledBlocks,
    },
    output,
  );
}

/** Signals are handled, and progress shown, at least this often. */
const BREATH_NS = 50e6;

export function breather(): Breathe {
  let lastNs = monotonicNs();
  return async (report) => {
    if (monotonicNs() - lastNs < BREATH_NS) return;
    report?.();
    await new Promise((resolve) => setImmediate(resolve));
    lastNs = monotonicNs();
  };
}
