/**
 * How long a run will take, before it starts. Where the engine has a model each arm and point is
 * simulated once, which costs milliseconds; a repeat is another draw of the same. Elsewhere the
 * duration is unknown, and only the timetable of an open loop gives a lower bound.
 */
import { startsRouter } from "./setup/router-up.ts";
import { simulationOf } from "./simulated-cell.ts";
import { given } from "../base/given.ts";
import { monotonicNs } from "../system/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Engine } from "../contract/engine.ts";
import type { Router } from "../contract/router.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { Workload } from "../contract/workload.ts";
import type { PointSurvey } from "../plan/survey.ts";
import { drawRequests, readRows } from "../workload/draw.ts";
import { AHEAD_BYTES, MAX_IN_FLIGHT } from "../workload/request-queue.ts";
import type { Requests } from "../workload/requests.ts";
import { SETTLING, settles, settlingLoad, settlingRequests } from "../workload/settling.ts";
import type { RoutingPolicy } from "../contract/routing-policy.ts";

/** Longest time that a plan may take. */
const BUDGET_S = 5;
const EVENTS_PER_SLICE = 10_000;
/** Measured on two cores: eight mocked workers come up in .4 s; a load child starts, draws, and caches are reset in .3 s. */
const ENGINE_START_S = 0.5;
const CELL_S = 0.3;
/** Batches of a settling load: three or four on an idle machine. */
const BATCHES = 3.5;

export interface Estimate {
  /** Whole run, in seconds of the wall clock; left out where it is unknown. */
  readonly wallS?: number;
  /** Settling loads after starts, within `wallS`. */
  readonly settlingS?: number;
  /** Sum over the cells' loads, in seconds of the plan's clock; left out where it is unknown. */
  readonly loadS?: number;
  /** What the timetables of open loops take by themselves, where the rest is unknown. */
  readonly atLeastS?: number;
  /** How it was found, or why it is unknown. */
  readonly how: string;
}

/** What a run sends in all, and what its prompts need at once. */
export interface Amount {
  /** Of all cells, warm-up included. */
  readonly requests: number;
  /** Of all cells, without warm-up. */
  readonly promptTokens: number;
  /** Most bytes of prompts in flight and built ahead, in the load process; left out where nothing is sent. */
  readonly promptBytes?: number;
}

/** A token id in a body, with its comma. */
const TOKEN_BYTES = 6;

/** `pointOf`: what the survey found at the point of a cell. */
export function amountOf(
  { cells, clock }: Plan,
  pointOf: (cell: PlannedCell) => PointSurvey,
): Amount {
  let requests = 0;
  let promptTokens = 0;
  let promptBytes = 0;
  for (const cell of cells) {
    const point = pointOf(cell);
    const sent = point.requests + point.warmup;
    requests += sent;
    promptTokens += point.promptTokens;
    const inFlight = Math.min(sent, cell.load.concurrency ?? MAX_IN_FLIGHT);
    const bytes = point.longestPrompt * TOKEN_BYTES;
    promptBytes = Math.max(promptBytes, inFlight * bytes + Math.min(sent * bytes, AHEAD_BYTES));
  }
  return { requests, promptTokens, ...(clock === "wall" ? { promptBytes } : {}) };
}

interface EstimateDeps {
  readonly plugins: Plugins;
  /** How many requests a cell sends, warm-up included. */
  readonly requestsOf: (cell: PlannedCell) => number;
}

export async function estimateRun(plan: Plan, deps: EstimateDeps): Promise<Estimate> {
  const bare = new Set<string>();
  for (const { engine } of plan.arms) {
    if (!((await deps.plugins.load(engine)) as Engine).model) bare.add(engine.name);
  }
  return bare.size > 0 ? unknownEstimate(plan, { ...deps, bare }) : simulatedEstimate(plan, deps);
}

function unknownEstimate(
  plan: Plan,
  { bare, requestsOf }: EstimateDeps & { bare: ReadonlySet<string> },
): Estimate {
  const timetables = plan.cells.map((cell) => requestsOf(cell) / (cell.load.rateRps ?? Infinity));
  const names = [...bare].map((name) => `"${name}"`).join(", ");
  return {
    atLeastS: timetables.reduce((a, b) => a + b, 0),
    how: `engine ${names} has no model`,
  };
}

async function simulatedEstimate(plan: Plan, deps: EstimateDeps): Promise<Estimate> {
  const startNs = monotonicNs();
  const hostS = (): number => (monotonicNs() - startNs) / 1e9;
  const first = plan.cells.filter(({ repeat }) => repeat === 0);
  let sumS = 0;
  let count = 0;
  for (const cell of first) {
    if (hostS() > BUDGET_S) break;
    try {
      sumS += await simulatedS(plan, cell, { ...deps, hostS });
    } catch (error) {
      const { label } = plan.arms[cell.arm]!;
      return { how: `arm "${label}" cannot be simulated: ${messageOf(error)}` };
    }
    count += 1;
  }
  const all = plan.cells.length / count;
  const part = count < first.length ? `${count} of ${first.length} cells simulated` : "simulated";
  if (plan.clock === "virtual") return { wallS: hostS() * all, loadS: sumS * all, how: part };
  const starts = new Set(plan.arms.map(({ engineKey }) => engineKey)).size;
  const settlingS = settles(plan) ? await settlingTimeS(plan, { ...deps, hostS }) : 0;
  const isOutside = await hasOutsideRouter(plan, deps.plugins);
  return {
    wallS: sumS * all + settlingS + starts * ENGINE_START_S + plan.cells.length * CELL_S,
    settlingS,
    loadS: sumS * all,
    how: `${part}${isOutside ? ", with round robin for outside routers" : ""}`,
  };
}

/** All settling loads together: as many batches after each start as after the first one of each arm. */
async function settlingTimeS(
  plan: Plan,
  on: EstimateDeps & { hostS: () => number },
): Promise<number> {
  const cells = await startCells(plan, on.plugins);
  const firsts = cells.filter(({ arm }, i) => cells.findIndex((one) => one.arm === arm) === i);
  let sumS = 0;
  let count = 0;
  for (const first of firsts) {
    if (on.hostS() > BUDGET_S) break;
    const load = settlingLoad(first.load);
    const cell = { ...first, load };
    const workload = (await on.plugins.load(cell.workload)) as Workload;
    const rows = await readRows(first, workload, AbortSignal.timeout(BUDGET_S * 1000));
    const requests = await settlingRequests(drawRequests(first, workload, rows), load.requests);
    const batchS = await simulatedS(
      plan,
      cell,
      { ...on, requestsOf: () => requests.length },
      requests,
    );
    sumS += Math.min(SETTLING.maxS, BATCHES * batchS) + CELL_S;
    count += 1;
  }
  return (sumS / Math.max(1, count)) * cells.length;
}

/** Cells before which a process of an engine or a router starts, as far as the plan shows. */
export async function startCells(plan: Plan, plugins: Plugins): Promise<PlannedCell[]> {
  const cells: PlannedCell[] = [];
  for (const cell of cellsAfterStart(plan)) {
    const arm = plan.arms[cell.arm]!;
    const router = (await plugins.load(arm.router)) as Router;
    const engine = (await plugins.load(arm.engine)) as Engine;
    const isFresh =
      plan.cells.find((one) => plan.arms[one.arm]!.engineKey === arm.engineKey) === cell;
    const startsEngine =
      isFresh && (engine.processes?.(arm.engine.options, arm.plane) ?? []).length > 0;
    if (startsEngine || startsRouter(router, arm, 0)) cells.push(cell);
  }
  return cells;
}

async function hasOutsideRouter({ arms }: Plan, plugins: Plugins): Promise<boolean> {
  const routers = await Promise.all(arms.map(({ router }) => plugins.load(router)));
  return routers.some((router) => !(router as Router).policy);
}

/** Seconds of load of one cell. Stopped when the budget is spent, and then scaled up by the share of requests that is left. */
async function simulatedS(
  plan: Plan,
  cell: PlannedCell,
  on: EstimateDeps & { hostS: () => number },
  requests?: Requests,
): Promise<number> {
  const { engine: use, router: routerUse } = plan.arms[cell.arm]!;
  const engine = (await on.plugins.load(use)) as Engine;
  const router = (await on.plugins.load(routerUse)) as Router;
  const simulation = await simulationOf(
    {
      plan,
      cell,
      plugins: on.plugins,
      signal: AbortSignal.timeout(BUDGET_S * 1000),
      model: engine.model!(use.options),
      ...given({ requests }),
      policy: router.policy ? () => router.policy(routerUse.options) : eachInTurn,
    },
    { onRecord: () => {} },
  );
  try {
    while (on.hostS() < BUDGET_S) {
      const state = simulation.run(EVENTS_PER_SLICE);
      if (state === true) return simulation.nowNs / 1e9;
      if (state !== false) await state;
    }
  } catch {
    // An overload or a policy's fault: the run itself will report it.
  }
  const { done, failed } = simulation.counts;
  const share = Math.min(1, Math.max(1, done + failed) / Math.max(1, on.requestsOf(cell)));
  const seconds = simulation.nowNs / 1e9 / share;
  simulation.stop();
  return seconds;
}

/** For a router that is another program: as long as its workers are used evenly, it takes about as long. */
function eachInTurn(): RoutingPolicy {
  let turn = 0;
  return {
    reads: [],
    pick: (_request, { eligible }) => eligible[turn++ % eligible.length]!,
  };
}

/** Cells for which an engine or a router is started, as far as it is known before: another arm than before needs its own. */
function cellsAfterStart({ cells }: Pick<Plan, "cells">): PlannedCell[] {
  return cells.filter(({ arm }, i) => i === 0 || cells[i - 1]!.arm !== arm);
}
