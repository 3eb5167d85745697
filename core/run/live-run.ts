/**
 * A run on the wall clock: plane > engine > router > cell, up in that order and down in reverse.
 *
 * Arms whose engine is the same share one running engine; a router is started when the next cell's
 * arm needs another one than is up.
 */
import { given } from "../base/given.ts";
import { runLiveCell, type EngineGroup } from "./live-cell.ts";
import { preflightRouter, preflightWorkers, type PreflightTarget } from "./setup/preflight.ts";
import { wireHeaders } from "../wire/http/wire-headers.ts";
import { interrupted, type RunBook, type RunDeps } from "./run-book.ts";
import { startRouter, startsRouter, type RunningRouter } from "./setup/router-up.ts";
import { epochMs } from "../system/clock.ts";
import { DynbenchError, firstCause } from "../base/errors.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import { faultsOnWorkers } from "../plan/survey.ts";
import type { Engine } from "../contract/engine.ts";
import type { StartContext } from "../contract/processes.ts";
import type { Router } from "../contract/router.ts";
import { startSupervisor, type Supervisor } from "../process/supervisor.ts";
import { deathError, type Death } from "../process/death.ts";

/** Runs every open cell on the wall clock. Returns what ended the run early, if anything did. */
export async function runLive(plan: Plan, deps: RunDeps, book: RunBook): Promise<unknown> {
  return new LiveRun(plan, deps, book).execute();
}

class LiveRun {
  readonly #plan: Plan;
  readonly #deps: RunDeps;
  readonly #book: RunBook;
  /** Aborted by the first death of a process that should live. */
  readonly #death = new AbortController();
  readonly #deaths: Death[] = [];

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
      for (const cells of sameEngine(open, this.#plan)) {
        if (this.#book.isEnough(cells[0]!)) break;
        await this.#engineGroup(cells, supervisor);
      }
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
    this.#book.facts.write(); // a run that is killed leaves the facts of what it had started
    const { survey, plugins } = this.#deps;
    const { workers } = engine;
    const faults = await faultsOnWorkers(this.#plan, plugins, { arm, workers, survey });
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
    const group: EngineGroup = {
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
        if (this.#book.isEnough(cell)) break;
        const before = router;
        router = await this.#routerFor(cell, before, group);
        const isStart = router !== before && (await this.#startsAny(cell, group));
        await runLiveCell(this.#plan, cell, {
          ...{ deps: this.#deps, book: this.#book, deaths: this.#deaths },
          ...{ router, group, isStart },
        });
        group.isFresh = false;
      }
    } finally {
      await router?.[Symbol.asyncDispose]();
    }
  }

  /** Whether a process of the engine or of the cell's router is new: what was attached runs already. */
  async #startsAny(cell: PlannedCell, { plugin, isFresh, engine }: EngineGroup): Promise<boolean> {
    const arm = this.#plan.arms[cell.arm]!;
    const router = (await this.#deps.plugins.load(arm.router)) as Router;
    if (startsRouter(router, arm, engine.workers.length)) return true;
    return isFresh && (plugin.processes?.(arm.engine.options, arm.plane) ?? []).length > 0;
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

/** Stretches of cells that one running engine serves. */
function sameEngine(cells: readonly PlannedCell[], { arms }: Plan): PlannedCell[][] {
  const stretches: PlannedCell[][] = [];
  for (const cell of cells) {
    const last = stretches.at(-1);
    const key = last === undefined ? undefined : arms[last[0]!.arm]!.engineKey;
    if (key === arms[cell.arm]!.engineKey) last!.push(cell);
    else stretches.push([cell]);
  }
  return stretches;
}
