/**
 * The requests of each point of a sweep, drawn as the load will draw them. Finds faults that no schema
 * can: a prompt that is larger than the KV cache, or than the model's context.
 */
import type { Plan, PlannedArm, PlannedCell } from "../contract/plan.ts";
import {
  sizeBounds,
  sizeFaults,
  type EngineLimits,
  type SizeBound,
  type SizeFault,
  type Sizes,
} from "./request-sizes.ts";
import type { Fault } from "../base/errors.ts";
import { given } from "../base/given.ts";
import { BoundsMeter, KnownBounds, poolOf, type BoundsOf } from "./cache-bounds.ts";
import type { CacheBounds } from "../contract/result.ts";
import { IdealCache } from "../metrics/tally/ideal.ts";
import type { Engine } from "../contract/engine.ts";
import type { Workload } from "../contract/workload.ts";
import type { Plugins } from "../contract/plugins.ts";
import { USUAL_BLOCK_SIZE, type Worker } from "../contract/request.ts";
import { drawRequests, readRows } from "../workload/draw.ts";

/** Shares are computed over at most this many requests of a point. */
const SURVEYED_REQUESTS = 50_000;

export interface PointSurvey {
  readonly parameters: PlannedCell["parameters"];
  /** Measured requests. */
  readonly requests: number;
  readonly warmup: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly longestPrompt: number;
  /** Hit share of the best possible router, and of round robin, both without eviction. */
  readonly idealShare: number;
  readonly roundRobinShare: number;
}

export interface PlanSurvey {
  readonly points: readonly PointSurvey[];
  readonly faults: readonly Fault[];
  /** The workload's notes on its files. */
  readonly notes: readonly string[];
}

/** What a run needs of its survey: later steps then draw no requests again that were drawn here. */
export interface RunSurvey extends Pick<PlanSurvey, "faults" | "notes"> {
  readonly bounds: KnownBounds;
  /** The longest request of each point. */
  readonly longest: ReadonlyMap<string, Sizes["longest"]>;
}

/** What stops the plan, and what its requests show; without round robin's share, which only `plan` prints. */
export async function surveyForRun(
  plan: Plan,
  plugins: Plugins,
  signal: AbortSignal,
): Promise<RunSurvey> {
  const depth = plan.clock === "virtual" ? "first" : "bounds";
  return surveyPlan(plan, plugins, { signal, depth });
}

/**
 * Requests of an engine's cells that are too large for its running workers. Surveyed again only if the
 * workers report lower limits than the plan knew: other faults were found before the start.
 */
export async function faultsOnWorkers(
  plan: Plan,
  plugins: Plugins,
  at: { arm: PlannedArm; workers: readonly Worker[]; survey: Pick<RunSurvey, "longest"> },
): Promise<readonly Fault[]> {
  const { arm, workers, survey } = at;
  const engine = (await plugins.load(arm.engine)) as Engine;
  const planned = engine.limits?.(arm.engine.options);
  const least = (of: (worker: Worker) => number | undefined): number | undefined => {
    const known = workers.map(of).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  };
  const maxModelLen = least((worker) => worker.maxModelLen);
  const kvBlocks = least((worker) => worker.kvBlocks);
  const blockSize = least((worker) => worker.blockSize) ?? USUAL_BLOCK_SIZE;
  const isLower = (reported: number | undefined, known: number | undefined): boolean =>
    reported !== undefined && (known === undefined || reported < known);
  if (!isLower(maxModelLen, planned?.maxModelLen) && !isLower(kvBlocks, planned?.kvBlocks)) {
    return [];
  }
  const cells = plan.cells.filter((cell) => plan.arms[cell.arm]!.engineKey === arm.engineKey);
  const bounds = sizeBounds([
    { engine, blockSize, workers: workers.length, kvBlocks, maxModelLen },
  ]);
  const faults: SizeFault[] = [];
  for (const [point, cell] of firstCells(cells)) {
    const workload = (await plugins.load(cell.workload)) as Workload;
    const at = { parameters: cell.parameters, workload };
    faults.push(...sizeFaults(at, { longest: survey.longest.get(point)! }, bounds));
  }
  return onePerBound(faults);
}

export async function surveyPlan(
  plan: Plan,
  plugins: Plugins,
  { signal, depth = "shares" }: { signal: AbortSignal; depth?: SurveyDepth },
): Promise<PlanSurvey & RunSurvey> {
  const limits = await limitsOf(plan, plugins);
  const sizes = sizeBounds(limits);
  const points: PointSurvey[] = [];
  const faults: Fault[] = [];
  const tooLarge: SizeFault[] = [];
  const notes = new Set<string>();
  const bounds = new KnownBounds();
  const longestOf = new Map<string, Sizes["longest"]>();
  for (const [point, cell] of firstCells(plan.cells)) {
    const workload = (await plugins.load(cell.workload)) as Workload;
    const rows = await readRows(cell, workload, signal);
    for (const note of workload.notes?.(cell.workload.options, rows) ?? []) notes.add(note);
    const of = { ...(await plannedBounds(plan, cell, { limits, plugins })), count: Infinity };
    // What a file holds is counted even where shares are not computed.
    const own = depth === "first" && rows !== undefined ? "lengths" : depth;
    const surveyed = await surveyPoint(cell, { workload, rows, limits, sizes, depth: own, of });
    const { survey, untimed } = surveyed;
    points.push(survey);
    longestOf.set(point, surveyed.sizes.longest);
    if (surveyed.bounds !== undefined) bounds.keep(cell, of, surveyed.bounds);
    if (untimed !== undefined) faults.push(untimedFault(workload.name, untimed));
    tooLarge.push(...sizeFaults({ parameters: cell.parameters, workload }, surveyed.sizes, sizes));
    const few = surveyed.sizes.counts && fewNote(cell, workload, survey.requests);
    if (few !== undefined) notes.add(few);
    if (survey.requests === 0) {
      faults.push({ path: `workload.${workload.name}`, message: "has no requests to send" });
    }
  }
  // On the virtual clock such a request fails as it would on the engine, and the run continues.
  if (plan.clock === "wall") faults.push(...onePerBound(tooLarge));
  else for (const { message, hint } of onePerBound(tooLarge)) notes.add(`${message}. ${hint}`);
  return { points, faults: onePerPath(faults), notes: [...notes], bounds, longest: longestOf };
}

/** The first cell of each point of the sweep, by its point. */
function firstCells(cells: readonly PlannedCell[]): Map<string, PlannedCell> {
  const first = new Map<string, PlannedCell>();
  for (const cell of cells) {
    const point = JSON.stringify([cell.parameters, cell.load]);
    if (!first.has(point)) first.set(point, cell);
  }
  return first;
}

/**
 * `first`: is there a request at all; `lengths`: how many, and how long are they; `bounds`: and what
 * could caches serve of them; `shares`: and what does round robin.
 */
type SurveyDepth = "first" | "lengths" | "bounds" | "shares";

/** What bounds will depend on, as far as the plan knows the first engine's workers. */
async function plannedBounds(
  plan: Plan,
  cell: PlannedCell,
  { limits, plugins }: { limits: readonly EngineLimits[]; plugins: Plugins },
): Promise<Pick<BoundsOf, "blockSize" | "pool">> {
  const { blockSize, workers: count, kvBlocks } = limits[0]!;
  const worker = { role: "aggregated", ...given({ kvBlocks }) } as const;
  const workers = Array.from({ length: count }, () => worker);
  return { blockSize, pool: await poolOf(plan, cell, { workers, plugins }) };
}

async function limitsOf(plan: Plan, plugins: Plugins): Promise<EngineLimits[]> {
  const engines = new Map(plan.arms.map(({ engineKey, engine }) => [engineKey, engine]));
  return Promise.all(
    [...engines.values()].map(async (use): Promise<EngineLimits> => {
      const engine = (await plugins.load(use)) as Engine;
      const limits = engine.limits?.(use.options);
      return {
        engine,
        blockSize: limits?.blockSize ?? USUAL_BLOCK_SIZE,
        workers: limits?.prefillWorkers ?? limits?.workers ?? 1,
        kvBlocks: limits?.kvBlocks,
        maxModelLen: limits?.maxModelLen,
      };
    }),
  );
}

interface SurveyedPoint {
  readonly survey: PointSurvey;
  readonly sizes: Sizes;
  readonly untimed: number | undefined;
  /** Left out where not all requests were looked at. */
  readonly bounds: CacheBounds | undefined;
}

async function surveyPoint(
  cell: PlannedCell,
  parts: {
    workload: Workload;
    rows: unknown;
    limits: readonly EngineLimits[];
    sizes: readonly SizeBound[];
    depth: SurveyDepth;
    of: Pick<BoundsOf, "blockSize" | "pool">;
  },
): Promise<SurveyedPoint> {
  const { blockSize, workers } = parts.limits[0]!;
  const { depth } = parts;
  const cache = new IdealCache({ blockSize, workers: Math.max(1, workers) });
  const meter = new BoundsMeter(parts.of);
  const longest = { isl: 0, osl: 0 };
  const beyond = parts.sizes.map(() => 0);
  const needsTimes = cell.load.arrival === "trace";
  let untimed: number | undefined;
  let position = 0;
  let promptTokens = 0;
  let outputTokens = 0;
  for await (const request of drawRequests(cell, parts.workload, parts.rows)) {
    const isMeasured = position >= cell.load.warmup;
    if (position < SURVEYED_REQUESTS) {
      if (depth === "shares") cache.add(request, isMeasured);
      if (depth === "bounds") meter.add(request, isMeasured);
    }
    if (needsTimes && request.atNs === undefined && request.after === undefined)
      untimed ??= request.index;
    const tokens = request.isl + request.osl;
    if (tokens > longest.isl + longest.osl) {
      longest.isl = request.isl;
      longest.osl = request.osl;
    }
    for (const [i, size] of parts.sizes.entries()) if (tokens > size.tokens) beyond[i]! += 1;
    position += 1;
    if (!isMeasured) continue;
    promptTokens += request.isl;
    outputTokens += request.osl;
    if (depth === "first") break;
  }
  const { ideal, roundRobin } = cache.shares;
  return {
    sizes: { longest, ...(depth === "first" ? {} : { counts: { beyond, all: position } }) },
    untimed,
    bounds: depth === "bounds" && position <= SURVEYED_REQUESTS ? meter.bounds : undefined,
    survey: {
      parameters: cell.parameters,
      requests: Math.max(0, position - cell.load.warmup),
      warmup: cell.load.warmup,
      promptTokens,
      outputTokens,
      longestPrompt: longest.isl,
      idealShare: ideal,
      roundRobinShare: roundRobin,
    },
  };
}

function untimedFault(workload: string, request: number): Fault {
  return {
    path: "load.arrival",
    message: `"trace" needs timestamps, and request ${request} of workload "${workload}" has none`,
    hint: "Give --rate 10 for a timetable, or --concurrency 20 for a closed loop, without --arrival trace",
  };
}

/** A file has an end, and the load may ask for more than that. */
function fewNote(
  { load }: PlannedCell,
  { name, options }: Workload,
  found: number,
): string | undefined {
  if (load.requests === undefined || found >= load.requests) return undefined;
  const more =
    "synthesize" in options.entries ? "; --synthesize draws as many as are asked for" : "";
  return `${name} has ${found} of the ${load.requests} requests that --requests asks for, and no more are sent${more}`;
}

/** The same fault at several points of a sweep is reported once, for the first. */
function onePerPath(faults: readonly Fault[]): Fault[] {
  const seen = new Set<string>();
  return faults.filter(({ path, hint }) => {
    const key = `${path} ${hint}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

/** A bound that is exceeded at several points is reported once, for the first. */
function onePerBound(faults: readonly SizeFault[]): SizeFault[] {
  const seen = new Set<string>();
  return faults.filter(({ bound: { engine, kind, tokens } }) => {
    const key = `${engine.name} ${kind} ${tokens}`;
    return seen.has(key) ? false : seen.add(key);
  });
}
