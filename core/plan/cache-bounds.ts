/**
 * How much of a cell's prompts caches could serve at most, from the requests that it draws. Drawing
 * takes seconds for a long trace, so what was found is kept: the survey before a run finds the bounds
 * of each point's first repeat, and arms that are sent the same requests share them.
 */
import { given } from "../base/given.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { RequestSpec, Worker } from "../contract/request.ts";
import type { CacheBounds } from "../contract/result.ts";
import type { Workload } from "../contract/workload.ts";
import { IdealCache } from "../metrics/tally/ideal.ts";
import { PooledRequests } from "../metrics/tally/pooled.ts";
import { drawRequests, readRows } from "../workload/draw.ts";
import { optionSpecs } from "./option-spec.ts";

/** Reading a workload's files again takes at most this long. */
const READ_LIMIT_MS = 600_000;

/** What the bounds depend on besides the requests. */
export interface BoundsOf {
  /** Tokens per KV block. */
  readonly blockSize: number;
  /** Blocks of all workers' caches; undefined: bounds of such a cache are not wanted, or it is not known. */
  readonly pool: number | undefined;
  /** Of the cell's requests these many are counted, warm-up included; Infinity for all. */
  readonly count: number;
  /** Indices of the requests that count, where some failed: all fill the caches, these are held against them. */
  readonly counted?: ReadonlySet<number>;
}

/** Bounds that were found, by what they follow from. */
export class KnownBounds {
  readonly #found = new Map<string, CacheBounds>();

  get(cell: PlannedCell, of: BoundsOf): CacheBounds | undefined {
    return this.#found.get(keyOf(cell, of));
  }

  keep(cell: PlannedCell, of: BoundsOf, bounds: CacheBounds): void {
    this.#found.set(keyOf(cell, of), bounds);
  }
}

/** Arms do not count: they are sent the same requests. */
function keyOf({ workload, load, seed }: PlannedCell, of: BoundsOf): string {
  const { blockSize, pool, count } = of;
  return JSON.stringify([workload, load.requests, load.warmup, seed, blockSize, pool, count]);
}

/** The bounds of a cell's requests, which are drawn for it where they are not known yet. */
export async function cacheBounds(
  cell: PlannedCell,
  of: BoundsOf,
  { plugins, known }: { plugins: Plugins; known: KnownBounds },
): Promise<CacheBounds> {
  // Other arms lost other requests.
  if (of.counted !== undefined) return drawnBounds(cell, of, plugins);
  const found = known.get(cell, of) ?? (await drawnBounds(cell, of, plugins));
  known.keep(cell, of, found);
  return found;
}

async function drawnBounds(
  cell: PlannedCell,
  of: BoundsOf,
  plugins: Plugins,
): Promise<CacheBounds> {
  const workload = (await plugins.load(cell.workload)) as Workload;
  const rows = await readRows(cell, workload, AbortSignal.timeout(READ_LIMIT_MS));
  const bounds = new BoundsMeter(of);
  let position = 0;
  for await (const request of drawRequests(cell, workload, rows)) {
    if (position >= of.count) break;
    bounds.add(request, position >= cell.load.warmup, of.counted?.has(request.index));
    position += 1;
  }
  return bounds.bounds;
}

/** Fed with a cell's requests in send order, warm-up included. */
export class BoundsMeter {
  readonly #ideal: IdealCache;
  readonly #pooled: PooledRequests | undefined;
  readonly #pool: number | undefined;

  constructor({ blockSize, pool }: Pick<BoundsOf, "blockSize" | "pool">) {
    this.#ideal = new IdealCache({ blockSize });
    this.#pooled = pool === undefined ? undefined : new PooledRequests(blockSize);
    this.#pool = pool;
  }

  /** One that is not counted fills the caches; the pooled bounds are those of all that are measured. */
  add(request: RequestSpec, isMeasured: boolean, isCounted = true): void {
    this.#ideal.add(request, isMeasured && isCounted);
    this.#pooled?.add(request, isMeasured);
  }

  get bounds(): CacheBounds {
    const pooled = this.#pool === undefined ? undefined : this.#pooled?.served(this.#pool);
    // NaN of a cell that sent nothing.
    return { idealShare: this.#ideal.shares.ideal || 0, ...given({ pooled }) };
  }
}

/** Blocks of all workers' caches, for workloads that read a file and workers that report their capacity. */
export async function poolOf(
  plan: Pick<Plan, "pooledBounds">,
  cell: PlannedCell,
  on: { workers: readonly Pick<Worker, "role" | "kvBlocks">[]; plugins: Plugins },
): Promise<number | undefined> {
  const { workers, plugins } = on;
  if (!plan.pooledBounds) return undefined;
  const workload = (await plugins.load(cell.workload)) as Workload;
  return readsFile(cell, workload) ? pooledBlocks(workers) : undefined;
}

function readsFile({ workload }: PlannedCell, { options }: Workload): boolean {
  return optionSpecs(options).some(
    ({ key, isFile }) => isFile && typeof workload.options[key] === "string",
  );
}

/** Blocks of all workers that compute prompts; undefined where one does not report its capacity. */
function pooledBlocks(workers: readonly Pick<Worker, "role" | "kvBlocks">[]): number | undefined {
  const caches = workers.filter(({ role }) => role !== "decode").map(({ kvBlocks }) => kvBlocks);
  const known = caches.filter((blocks) => blocks !== undefined);
  if (known.length === 0 || known.length < caches.length) return undefined;
  return known.reduce((sum, blocks) => sum + blocks, 0);
}
