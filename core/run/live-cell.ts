/**
 * One cell on the wall clock: caches emptied, the load driven, its records taken as they come, the
 * findings gathered, the result reported. Whatever breaks it, what was measured is kept and reported.
 */
import { given } from "../base/given.ts";
import { watchLive } from "./cell-findings.ts";
import {
  brokenCell,
  deathFinding,
  freshPromptsNote,
  noEventsFinding,
  policyFinding,
  preflightNote,
  resetFinding,
  unsettledNote,
} from "./findings.ts";
import { driveLoad, loadTask } from "./load-process.ts";
import type { CellRecorder } from "./recorder.ts";
import { NOTHING_SENT } from "./progress-meter.ts";
import type { RunBook, RunDeps } from "./run-book.ts";
import { watchCpu } from "./sampling/machine.ts";
import { startSampling, type Sampling } from "./sampling/sampling.ts";
import { pathMs } from "./setup/path.ts";
import { wireHeaders } from "../wire/http/wire-headers.ts";
import { proveReset, type PreflightTarget } from "./setup/preflight.ts";
import { startsRouter, type RunningRouter } from "./setup/router-up.ts";
import { startedOutcome, type CellOutcome } from "./folder/run-folder.ts";
import { deriveSeed } from "../base/random.ts";
import { firstCause, messageOf } from "../base/errors.ts";
import type { Engine, EngineHandle } from "../contract/engine.ts";
import type { Plan, PlannedArm, PlannedCell } from "../contract/plan.ts";
import type { StartContext } from "../contract/processes.ts";
import type { Router, RouterTraits } from "../contract/router.ts";
import type { Death } from "../process/death.ts";
import type { Supervisor } from "../process/supervisor.ts";
import { settles } from "../workload/settling.ts";
import { epochMs } from "../system/clock.ts";

/** A running engine, and the cells that are measured on it one after another. */
export interface EngineGroup {
  readonly plugin: Engine;
  readonly engine: EngineHandle;
  readonly target: PreflightTarget;
  /** Notes of preflight; each cell of the group has them among its findings. */
  readonly notes: Set<string>;
  /** Routers that preflight has proved on it. */
  routerStarts: number;
  readonly supervisor: Supervisor;
  readonly context: StartContext;
  /** Nothing but preflight has run on it yet. */
  isFresh: boolean;
}

interface CellPlace {
  readonly deps: RunDeps;
  readonly book: RunBook;
  /** Processes of the run that died so far. */
  readonly deaths: readonly Death[];
  readonly router: RunningRouter;
  readonly group: EngineGroup;
  /** Its router or its engine has just been started. */
  readonly isStart: boolean;
}

type Measured = CellPlace & {
  readonly plan: Plan;
  readonly cell: PlannedCell;
  readonly traits: RouterTraits;
  readonly outcome: CellOutcome;
  readonly recorder: CellRecorder;
};

/** Throws what must end the run, once the cell's result is reported. */
export async function runLiveCell(plan: Plan, cell: PlannedCell, place: CellPlace): Promise<void> {
  const { deps, book, deaths, router, group } = place;
  const planned = plan.arms[cell.arm]!;
  const { workers } = group.engine;
  const timeScale = group.plugin.timeScale?.(planned.engine.options);
  const outcome = startedOutcome(cell, { workers, timeScale });
  if (router.urls.length > 1) outcome.targets = router.urls;
  const plugin = (await deps.plugins.load(planned.router)) as Router;
  const traits = plugin.traits(planned.router.options);
  const { keyHeader } = traits;
  const { connection } = plan.wire;
  const watch = watchLive({ workers, connection, ...given({ keyHeader }) });
  const recorder = book.recorder(cell, watch);
  outcome.findings.push(...Array.from(group.notes, preflightNote));
  let fault = await measure({ ...place, plan, cell, traits, outcome, recorder });
  if (deaths.length > 0) outcome.state = "failed";
  outcome.findings.push(...deaths.map(deathFinding), ...recorder.findings());
  await book.finish(cell, outcome, recorder.tally);
  try {
    deps.folder.appendOutcome(outcome);
  } catch (error) {
    fault ??= error; // a full disk has mostly been met by the records before
  }
  if (fault !== undefined) throw fault;
  group.context.signal.throwIfAborted();
}

/** Fills outcome and recorder. Returns what broke the cell, if anything did. */
async function measure(on: Measured): Promise<unknown> {
  const { deps, book, deaths, router, group, cell, outcome } = on;
  let sampling: Sampling | undefined;
  let fault: unknown;
  try {
    if (on.isStart && settles(on.plan)) await settle(on);
    if (group.context.signal.aborted) {
      outcome.state = "aborted";
      return undefined;
    }
    const tokenSeed = await emptyCaches(on);
    book.meter.phase(cell, "load");
    sampling = startSampling({
      cell: cell.id,
      workers: group.engine.workers,
      routers: router.metricsUrls ?? [],
      gpus: group.engine.gpus ?? [],
      write: (lines) => deps.folder.appendMetrics(lines),
    });
    await sampling.begun;
    await load(tokenSeed, on);
  } catch (error) {
    fault = firstCause(error);
    if (deaths.length === 0) outcome.findings.push(brokenCell(error));
  }
  outcome.findings.push(...((await sampling?.stop()) ?? []));
  // Of a cell that broke, not all that was sent is known.
  const isWhole =
    fault === undefined && group.engine.workers.every(({ role }) => role === "aggregated");
  const { answered } = on.recorder.tally.everyPhase;
  const served = isWhole ? await sampling?.served(answered) : undefined;
  if (served !== undefined) outcome.servedByWorkers = served;
  return fault;
}

/** Drives a load of the cell's kind until its latency stands still. Its records are kept and count nowhere. */
async function settle(on: Measured): Promise<void> {
  const { deps, book, router, group, plan, cell, traits, outcome } = on;
  const { engine, supervisor, context } = group;
  book.meter.phase(cell, "settle");
  // Decisions and events of the settling load carry a name of their own.
  await router.reset?.(`${cell.id}/settling`);
  // Of this moment, because caches that cannot be emptied may still hold those of an earlier start.
  const settling = { seed: deriveSeed(cell.seed, "settling", cell.arm, epochMs()) };
  const task = loadTask({ plan, cell, tokenSeed: cell.seed, router, engine, traits, settling });
  group.isFresh = false;
  const { settled } = await driveLoad(task, {
    host: plan.host,
    folder: deps.folder,
    supervisor,
    signal: context.signal,
    onProgress: () => book.meter.counts(NOTHING_SENT),
    onRecord: (_record, line) => deps.folder.appendRecords(`${line}\n`),
  });
  if (settled === undefined) return;
  outcome.settled = settled;
  // Where nothing was answered, the cell itself shows why.
  if (!settled.isStill && settled.ttftMs.length > 0 && !context.signal.aborted)
    outcome.findings.push(unsettledNote(settled));
}

/** Drives the load, and asks the machine and the router about it. */
async function load(tokenSeed: number, on: Measured): Promise<void> {
  const { deps, book, router, group, plan, cell, traits, outcome, recorder } = on;
  const path = await pathMs(router.urls, wireHeaders(plan.wire, process.env));
  const cpuUse = watchCpu();
  const foundBefore = await router.prefixesFound?.();
  const { engine, supervisor, context } = group;
  const pausesBefore = supervisor.pauses.length;
  const { state, health } = await driveLoad(
    loadTask({ plan, cell, tokenSeed, router, engine, traits }),
    {
      host: plan.host,
      folder: deps.folder,
      supervisor,
      signal: context.signal,
      onProgress: (progress) => book.meter.counts(progress),
      onRecord: (record, line) => recorder.live(record, line),
    },
  );
  outcome.state = state;
  if (health) outcome.health = { ...health, ...given({ pathMs: path }) };
  const pauses = supervisor.pauses.slice(pausesBefore);
  if (pauses.length > 0) outcome.pauses = pauses;
  const cpu = cpuUse();
  if (cpu !== undefined) outcome.machineCpuShare = cpu.share;
  const isKnown = cpu?.otherCores !== undefined && (await startsAll(plan.arms[cell.arm]!, deps));
  if (isKnown) outcome.otherCores = cpu.otherCores!;
  await askGateway(on);
  const found = await router.prefixesFound?.();
  if (found !== undefined) outcome.prefixesFound = found - foundBefore!;
  // Our own gateway's count is judged with its cost.
  const isDeaf = traits.kvEvents && !router.state && (await router.eventsApplied?.()) === 0;
  if (isDeaf) outcome.findings.push(noEventsFinding);
}

/** Whether engine and router are processes of this run, so that all others on the machine are none of it. */
async function startsAll(arm: PlannedArm, { plugins }: RunDeps): Promise<boolean> {
  const engine = (await plugins.load(arm.engine)) as Engine;
  const router = (await plugins.load(arm.router)) as Router;
  const isLaunched = [arm.engine, arm.router].some(({ options }) => options.launch !== undefined);
  const servers = engine.processes?.(arm.engine.options, arm.plane) ?? [];
  return !isLaunched && servers.length > 0 && startsRouter(router, arm, servers.length);
}

/** Empties caches and index, and proves it. Returns the seed of the cell's tokens. */
async function emptyCaches(on: Measured): Promise<number> {
  const { book, router, group, plan, cell, traits, outcome } = on;
  const { engine, target } = group;
  if (!engine.resetCache) {
    // Fresh prompts: the same requests with other tokens, so that no arm finds another's cache warm.
    outcome.findings.push(freshPromptsNote);
    return deriveSeed(cell.seed, "tokens", cell.arm, epochMs());
  }
  const isUntouched = group.isFresh && !plan.preflight;
  if (!isUntouched) {
    book.meter.phase(cell, "reset");
    await engine.resetCache();
    if (plan.preflight) {
      const fault = await proveReset(target, router, traits);
      if (fault) outcome.findings.push(resetFinding(fault));
    }
  }
  await router.reset?.(cell.id);
  return cell.seed;
}

/** What our own gateway counted during the load. */
async function askGateway({ deps, deaths, router, outcome }: Measured): Promise<void> {
  if (!router.state || deaths.length > 0) return;
  try {
    const { cost, faults, firstFault } = await router.state();
    if (cost) outcome.routerCost = cost;
    if (faults > 0) outcome.findings.push(policyFinding(faults, firstFault));
  } catch (error) {
    deps.log.warn(`The gateway did not return its state: ${messageOf(error)}`);
  }
}
