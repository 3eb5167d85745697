/**
 * A plan on the virtual clock: each cell is simulated here, in the main process, and leaves what a
 * live one leaves. No process is started and no port is bound.
 */
import { watchSimulated } from "./cell-findings.ts";
import { brokenCell, overloadFinding, policyFinding } from "./findings.ts";
import type { CellRecorder } from "./recorder.ts";
import { interrupted, type RunBook, type RunDeps } from "./run-book.ts";
import type { CellOutcome } from "./folder/run-folder.ts";
import { monotonicNs } from "../system/clock.ts";
import { DynbenchError } from "../base/errors.ts";
import type { Requests } from "../workload/requests.ts";
import { drawRequests, readRows } from "../workload/draw.ts";
import { quantilesOf } from "../statistics/quantiles.ts";
import { poolOf } from "../plan/cache-bounds.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Engine, EngineModel } from "../contract/engine.ts";
import type { Router } from "../contract/router.ts";
import type { Workload } from "../contract/workload.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { RoutingPolicy } from "../contract/routing-policy.ts";
import type { SimOutput } from "../simulate/sim-task.ts";
import { Simulation } from "../simulate/simulation.ts";

/** Events between two looks at the clock: some milliseconds. */
const EVENTS_PER_SLICE = 10_000;
/** Signals are handled, and progress shown, at least this often. */
const BREATH_NS = 50e6;
const NS_PER_MS = 1e6;
/** From here on a simulation leaves hundreds of megabytes, which are worth a collection of their own. */
const MANY_REQUESTS = 200_000;

/** Simulates every open cell. Returns what ended it early, if anything did. */
export async function simulatePlan(plan: Plan, deps: RunDeps, book: RunBook): Promise<unknown> {
  try {
    const open = await book.begin();
    const breathe = breather();
    for (const cell of open) {
      await breathe();
      deps.signal.throwIfAborted();
      if (book.isEnough(cell)) break;
      await simulateCell(plan, cell, { ...deps, book, breathe });
      deps.signal.throwIfAborted();
    }
    return undefined;
  } catch (error) {
    return deps.signal.aborted ? interrupted() : error;
  }
}

type CellDeps = RunDeps & { readonly book: RunBook; readonly breathe: Breathe };

async function simulateCell(plan: Plan, cell: PlannedCell, deps: CellDeps): Promise<void> {
  const { plugins, folder, book } = deps;
  const arm = plan.arms[cell.arm]!;
  book.meter.phase(cell, "simulate");
  const engine = (await plugins.load(arm.engine)) as Engine;
  const model = engine.model!(arm.engine.options);
  const { blockSize, kvBlocks } = model.limits;
  const outcome = book.started(cell, {
    workers: model.workers.map((worker) => ({ ...worker, blockSize, kvBlocks })),
    timeScale: engine.timeScale?.(arm.engine.options),
  });
  const recorder = book.recorder(cell, watchSimulated());
  const fault = await simulateInto(outcome, recorder, { ...deps, plan, cell, model });
  // The summary needs as much again; let it have what the simulation held.
  if (recorder.tally.counts.sent >= MANY_REQUESTS) Bun.gc(true);
  await book.finish(cell, outcome, recorder.tally);
  folder.appendOutcome(outcome);
  if (fault !== undefined) throw fault;
}

/** Fills outcome and recorder. Returns what must end the run; a load too high is the cell's result. */
async function simulateInto(
  outcome: CellOutcome,
  recorder: CellRecorder,
  deps: CellDeps & { readonly plan: Plan; readonly cell: PlannedCell; readonly model: EngineModel },
): Promise<unknown> {
  const { router: use } = deps.plan.arms[deps.cell.arm]!;
  const router = (await deps.plugins.load(use)) as Router;
  const policy = () => router.policy!(use.options);
  const pooledBlocks = await poolOf(deps.plan, deps.cell, { ...deps, workers: outcome.workers });
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
    outcome.state = deps.signal.aborted ? "aborted" : "completed";
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
    readonly plugins: Plugins;
    readonly signal: AbortSignal;
  },
  output: SimOutput,
): Promise<Simulation> {
  const { plan, cell, plugins, signal, model, policy } = deps;
  const { router: use } = plan.arms[cell.arm]!;
  const router = (await plugins.load(use)) as Router;
  const workload = (await plugins.load(cell.workload)) as Workload;
  const rows = await readRows(cell, workload, signal);
  return new Simulation(
    {
      cell,
      engine: model,
      policy,
      policyName: router.name,
      sendsKey: router.traits(use.options).keyHeader !== undefined,
      requests: deps.requests ?? drawRequests(cell, workload, rows),
      replicas: plan.replicas,
      settings: plan.sim!,
      pooledBlocks: deps.pooledBlocks,
    },
    output,
  );
}

/** Runs to the end, or until the signal: then what is in flight is recorded as aborted. */
async function runSliced(simulation: Simulation, deps: CellDeps): Promise<void> {
  for (;;) {
    const state = simulation.run(EVENTS_PER_SLICE);
    if (state === true) return;
    if (state !== false) await state;
    await deps.breathe(() => {
      const { sent, inFlight, done, failed } = simulation.counts;
      deps.book.meter.counts({ sent, inFlight, done, failed, elapsedS: simulation.nowNs / 1e9 });
    });
    if (deps.signal.aborted) return simulation.stop();
  }
}

/** Gives the event loop a turn when it is time for one, after `report`. */
type Breathe = (report?: () => void) => Promise<void>;

function breather(): Breathe {
  let lastNs = monotonicNs();
  return async (report) => {
    if (monotonicNs() - lastNs < BREATH_NS) return;
    report?.();
    await new Promise((resolve) => setImmediate(resolve));
    lastNs = monotonicNs();
  };
}
