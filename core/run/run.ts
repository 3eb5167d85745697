/**
 * The life of a run: plane > engine > router > cell, up in that order and down in reverse.
 *
 * Arms whose engine is the same share one running engine; a router is started when the next cell's
 * arm needs another one than is up. Whatever ends a run early (a dead worker, Ctrl-C, a full disk),
 * what was measured is kept and reported.
 */
import { given } from "../base/given.ts";
import { cellLoad, loadCell, type LoadTick } from "./cell.ts";
import { cellFindings } from "./cell-findings.ts";
import {
  brokenCell,
  deathFinding,
  freshPromptsNote,
  noEventsFinding,
  policyFinding,
  preflightNote,
  resetFinding,
} from "./findings.ts";
import { watchCpu } from "./sampling/machine.ts";
import {
  preflightRouter,
  preflightWorkers,
  proveReset,
  type PreflightTarget,
} from "./setup/preflight.ts";
import { wireHeaders } from "./setup/probe.ts";
import { interrupted, RunBook, type RunDeps } from "./run-book.ts";
import { startRouter, type RunningRouter, mustFindRouters } from "./setup/router-up.ts";
import type { CellOutcome } from "./folder/run-folder.ts";
import { startSampling, type Sampling } from "./sampling/sampling.ts";
import { simulatePlan } from "./virtual-run.ts";
import { epochMs } from "../system/clock.ts";
import { DynbenchError, firstCause, messageOf } from "../base/errors.ts";
import type { RunResult } from "../contract/result.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import { faultsOnWorkers } from "../plan/survey.ts";
import type { Engine, EngineHandle } from "../contract/engine.ts";
import type { StartContext } from "../contract/processes.ts";
import type { Router, RouterTraits } from "../contract/router.ts";
import { startSupervisor, type Supervisor } from "../process/supervisor.ts";
import { deathError, type Death } from "../process/death.ts";
import { deriveSeed } from "../base/random.ts";
import type { RequestRecord } from "../contract/record.ts";

/** What ended the run early, if anything did. */
export interface RunEnd {
  readonly result: RunResult;
  readonly fault: unknown;
  /** Reporters that could not write their part. */
  readonly unwritten: readonly string[];
}

/** Runs the plan. Faults end the run but not its report: they come back as `fault`. */
export async function executePlan(plan: Plan, deps: RunDeps): Promise<RunEnd> {
  const book = new RunBook(plan, deps);
  const fault =
    plan.clock === "virtual"
      ? await simulatePlan(plan, deps, book)
      : await new LiveRun(plan, deps, book).execute();
  return { ...(await book.report(fault !== undefined)), fault };
}

class LiveRun {
  readonly #plan: Plan;
  readonly #deps: RunDeps;
  readonly #book: RunBook;
  /** Aborted by the first death of a process that should live. */
  readonly #death = new AbortController();
  #deaths: Death[] = [];

  constructor(plan: Plan, deps: RunDeps, book: RunBook) {
    this.#plan = plan;
    this.#deps = deps;
    this.#book = book;
  }

  async execute(): Promise<unknown> {
    const { folder } = this.#deps;
    try {
      const open = await this.#book.begin();
      await using supervisor = startSupervisor({
        self: this.#deps.self,
        marker: `${process.pid}-${epochMs()}`,
        logDir: folder.logDir,
        host: this.#plan.host,
        seed: this.#plan.seed,
        signal: AbortSignal.any([this.#deps.signal, this.#death.signal]),
        onStart: (command) => this.#book.facts.command(command),
        onDeath: (death) => this.#died(death),
      });
      if (open.length === 0) return undefined;
      const arms = new Set(open.map(({ arm }) => this.#plan.arms[arm]!));
      await mustFindRouters(arms, this.#deps.plugins);
      const groups = Map.groupBy(open, (cell) => this.#plan.arms[cell.arm]!.engineKey);
      for (const cells of groups.values()) await this.#engineGroup(cells, supervisor);
      this.#deps.signal.throwIfAborted();
      return undefined;
    } catch (error) {
      const cause = firstCause(error);
      return this.#deps.signal.aborted
        ? interrupted()
        : this.#deaths.length > 0
          ? this.#deathFault()
          : cause;
    }
  }

  async #engineGroup(cells: readonly PlannedCell[], supervisor: Supervisor): Promise<void> {
    const arm = this.#plan.arms[cells[0]!.arm]!;
    const context = this.#context(supervisor);
    const plugin = (await this.#deps.plugins.load(arm.engine)) as Engine;
    if (!plugin.start)
      throw new DynbenchError("plan", `Engine "${plugin.name}" runs only on the virtual clock`);
    this.#book.meter.phase(cells[0]!, "engine");
    await using engine = await plugin.start(arm.engine.options, arm.plane, context);
    this.#book.facts.engine(arm.engine.name, engine.facts);
    this.#book.facts.write(); // a run that is killed leaves what it had started
    const faults = await faultsOnWorkers(this.#plan, this.#deps.plugins, {
      arm,
      workers: engine.workers,
      signal: context.signal,
    });
    for (const { message, hint } of faults) throw new DynbenchError("start", message, { hint });
    const target: PreflightTarget = {
      engine,
      wire: this.#plan.wire,
      seed: this.#plan.seed,
      timeoutS: cells[0]!.load.timeoutS,
      signal: context.signal,
    };
    const notes = new Set<string>();
    if (this.#plan.preflight) {
      this.#book.meter.phase(cells[0]!, "preflight");
      for (const note of await preflightWorkers(target)) notes.add(note);
    }
    const group = {
      plugin,
      engine,
      target,
      notes,
      supervisor,
      context,
      isFresh: true,
      routerStarts: 0,
    };
    let router: RunningRouter | undefined;
    try {
      for (const cell of cells) {
        context.signal.throwIfAborted();
        router = await this.#routerFor(cell, router, group);
        await this.#cell(cell, router, group);
        group.isFresh = false;
      }
    } finally {
      await router?.[Symbol.asyncDispose]();
    }
  }

  /** The router of the cell's arm: the one that is up, reset, or a new one in its place. */
  async #routerFor(
    cell: PlannedCell,
    running: RunningRouter | undefined,
    group: EngineGroup,
  ): Promise<RunningRouter> {
    if (running?.arm === cell.arm && running.reset) return running;
    await running?.[Symbol.asyncDispose]();
    this.#book.meter.phase(cell, "router");
    const planned = this.#plan.arms[cell.arm]!;
    const plugin = (await this.#deps.plugins.load(planned.router)) as Router;
    const router = await startRouter(plugin, {
      arm: cell.arm,
      planned,
      engine: group.engine,
      replicas: this.#plan.replicas,
      form: this.#plan.wire.form,
      supervisor: group.supervisor,
      context: group.context,
      logs: {
        decisionsPath: this.#deps.folder.file("decisions.jsonl"),
        eventsPath: this.#deps.folder.file("events.jsonl"),
      },
    });
    this.#book.facts.router(planned.label, router.facts);
    if (this.#plan.preflight) {
      this.#book.meter.phase(cell, "preflight");
      const traits = plugin.traits(planned.router.options);
      const start = group.routerStarts++;
      const place = { ...group.target, start, label: planned.label };
      try {
        for (const note of await preflightRouter(router, traits, place)) group.notes.add(note);
      } catch (error) {
        await router[Symbol.asyncDispose](); // before the engine that it stands on
        throw error;
      }
    }
    return router;
  }

  async #cell(cell: PlannedCell, router: RunningRouter, group: EngineGroup): Promise<void> {
    const { plugins, folder } = this.#deps;
    const planned = this.#plan.arms[cell.arm]!;
    const outcome = this.#book.started(cell, {
      workers: group.engine.workers,
      timeScale: group.plugin.timeScale?.(planned.engine.options),
    });
    if (router.urls.length > 1) outcome.targets = router.urls;
    const plugin = (await plugins.load(planned.router)) as Router;
    const traits = plugin.traits(planned.router.options);
    outcome.findings.push(...Array.from(group.notes, preflightNote));
    const records: RequestRecord[] = [];
    let fault: unknown;
    let sampling: Sampling | undefined;
    try {
      const tokenSeed = await this.#reset(cell, router, { group, traits, outcome });
      this.#book.meter.phase(cell, "load");
      sampling = startSampling({
        cell: cell.id,
        workers: group.engine.workers,
        routers: router.metricsUrls ?? [],
        gpus: group.engine.gpus ?? [],
        write: (lines) => folder.appendMetrics(lines),
      });
      const cpuShare = watchCpu();
      const foundBefore = await router.prefixesFound?.();
      const load = cellLoad({ cell, tokenSeed, router, engine: group.engine, traits });
      const { state, health } = await loadCell(load, {
        plan: this.#plan,
        folder,
        supervisor: group.supervisor,
        signal: group.context.signal,
        onTick: (tick: LoadTick) => this.#book.meter.tick(tick),
        onRecord: (record) => {
          records.push(record);
          this.#book.meter.record(record);
        },
      });
      outcome.state = state;
      if (health) outcome.health = health;
      const machineCpuShare = cpuShare();
      if (machineCpuShare !== undefined) outcome.machineCpuShare = machineCpuShare;
      await this.#askRouter(router, outcome);
      const found = await router.prefixesFound?.();
      if (found !== undefined) outcome.prefixesFound = found - foundBefore!;
      // Our own gateway's count is judged with its cost.
      const isDeaf = traits.kvEvents && !router.state && (await router.eventsApplied?.()) === 0;
      if (isDeaf) outcome.findings.push(noEventsFinding);
    } catch (error) {
      fault = firstCause(error);
      if (this.#deaths.length === 0) outcome.findings.push(brokenCell(error));
    }
    outcome.findings.push(...((await sampling?.stop()) ?? []));
    if (this.#deaths.length > 0) outcome.state = "failed";
    outcome.findings.push(...this.#deaths.map(deathFinding));
    outcome.findings.push(
      ...cellFindings(records, {
        ...given({ keyHeader: traits.keyHeader }),
        workers: outcome.workers,
        connection: this.#plan.wire.connection,
      }),
    );
    await this.#book.finish(cell, outcome, records);
    try {
      folder.appendOutcome(outcome);
    } catch (error) {
      fault ??= error; // a full disk has mostly been met by the records before
    }
    if (fault !== undefined) throw fault;
    group.context.signal.throwIfAborted();
  }

  /** Empties caches and index, and proves it. Returns the seed of the cell's tokens. */
  async #reset(
    cell: PlannedCell,
    router: RunningRouter,
    { group, traits, outcome }: { group: EngineGroup; traits: RouterTraits; outcome: CellOutcome },
  ): Promise<number> {
    const { engine, target } = group;
    if (!engine.resetCache) {
      // Fresh prompts: the same requests with other tokens, so that no arm finds another's cache warm.
      outcome.findings.push(freshPromptsNote);
      return deriveSeed(cell.seed, "tokens", cell.arm, epochMs());
    }
    const isUntouched = group.isFresh && !this.#plan.preflight;
    if (!isUntouched) {
      this.#book.meter.phase(cell, "reset");
      await engine.resetCache();
      if (this.#plan.preflight) {
        const fault = await proveReset(target, router, traits);
        if (fault) outcome.findings.push(resetFinding(fault));
      }
    }
    await router.reset?.(cell.id);
    return cell.seed;
  }

  async #askRouter(router: RunningRouter, outcome: CellOutcome): Promise<void> {
    if (!router.state || this.#deaths.length > 0) return;
    try {
      const { cost, faults, firstFault } = await router.state();
      if (cost) outcome.routerCost = cost;
      if (faults > 0) outcome.findings.push(policyFinding(faults, firstFault));
    } catch (error) {
      this.#deps.log.warn(`The gateway does not tell its state: ${messageOf(error)}`);
    }
  }

  #context(supervisor: Supervisor): StartContext {
    return {
      signal: AbortSignal.any([this.#deps.signal, this.#death.signal]),
      log: this.#deps.log,
      runDir: this.#deps.folder.path,
      processes: supervisor,
      host: this.#plan.host,
      replicas: this.#plan.replicas,
      seed: this.#plan.seed,
      engineArgs: this.#plan.engineArgs,
      ...given({ planeSettings: this.#plan.planeSettings }),
      requestHeaders: wireHeaders(this.#plan.wire, process.env),
    };
  }

  #died(death: Death): void {
    this.#deaths.push(death);
    this.#death.abort(this.#deathFault());
  }

  #deathFault(): DynbenchError {
    return deathError(this.#deaths[0]!, "died during the run");
  }
}

interface EngineGroup {
  readonly plugin: Engine;
  readonly engine: EngineHandle;
  readonly target: PreflightTarget;
  /** What preflight found worth a note; told with every cell of the group. */
  readonly notes: Set<string>;
  /** Routers that preflight has proved on it. */
  routerStarts: number;
  readonly supervisor: Supervisor;
  readonly context: StartContext;
  /** No cell has run on it yet. */
  isFresh: boolean;
}
