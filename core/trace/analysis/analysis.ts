/** The results of `dynbench trace analyze`, as data. */
import { given } from "../../base/given.ts";
import { coreTree } from "./core-tree.ts";
import { lengthHistogram, type LengthHistogram } from "./length-histogram.ts";
import { lruCurve } from "./lru-curve.ts";
import { minCurve } from "./min-curve.ts";
import { prefixTree } from "./prefix-tree.ts";
import { traceSharing, type TraceSharing } from "./sharing.ts";
import type { TraceColumns } from "../trace-columns.ts";

export interface TraceAnalysis {
  readonly rows: number;
  /** Tokens per block. */
  readonly blockSize: number;
  readonly totalBlocks: number;
  readonly distinctBlocks: number;
  readonly sharing: TraceSharing;
  readonly lengths: { readonly isl: LengthHistogram; readonly osl: LengthHistogram };
  /** Undefined without times. */
  readonly arrivals?: Arrivals;
  /** Share of prompt tokens that a pooled cache serves; undefined without blocks. */
  readonly cache?: readonly CachePoint[];
  /** What most rows begin with: first what all do, then the branches after it, most shared first. */
  readonly roots: readonly SharedRoot[];
}

export interface Arrivals {
  /** From the first row to the last. */
  readonly spanS: number;
  /** Left out where all rows come at one time. */
  readonly meanRps?: number;
  readonly bucketS: number;
  /** Rows in each bucket of the span. */
  readonly rowsPerBucket: readonly number[];
}

export interface CachePoint {
  readonly blocks: number;
  /** What LRU serves, and what no cache of that size can pass (Belady's MIN). */
  readonly lruShare: number;
  readonly minShare: number;
}

export interface SharedRoot {
  readonly rows: number;
  /** Length of what all of them begin with. */
  readonly blocks: number;
}

const BUCKETS = 60;
const SHOWN_ROOTS = 10;
/** A smaller pool than that of one GPU is of no interest. */
const SMALLEST_POOL = 256;

/** `pools`: cache sizes to report, in blocks; default: from the smallest useful one until all blocks fit. */
export function analyzeTrace(trace: TraceColumns, pools?: readonly number[]): TraceAnalysis {
  const sharing = traceSharing(trace);
  const arrivals = arrivalsOf(trace);
  const hasBlocks = trace.totalBlocks > 0;
  return {
    rows: trace.rows,
    blockSize: trace.blockSize,
    totalBlocks: trace.totalBlocks,
    distinctBlocks: trace.distinctBlocks,
    sharing,
    lengths: lengthsOf(trace),
    ...given({ arrivals }),
    ...(hasBlocks ? { cache: cachePoints(trace, pools ?? usualPools(trace)) } : {}),
    roots: hasBlocks ? sharedRoots(trace) : [],
  };
}

function lengthsOf(trace: TraceColumns): TraceAnalysis["lengths"] {
  const column = (of: (row: number) => number) =>
    lengthHistogram(Float64Array.from({ length: trace.rows }, (_, row) => of(row)));
  return { isl: column((row) => trace.isl(row)), osl: column((row) => trace.osl(row)) };
}

function arrivalsOf(trace: TraceColumns): Arrivals | undefined {
  const firstMs = trace.atMs(0);
  const spanMs = trace.atMs(trace.rows - 1) - firstMs;
  if (Number.isNaN(spanMs)) return undefined;
  const bucketMs = Math.max(1, spanMs / BUCKETS);
  const rowsPerBucket = Array.from({ length: BUCKETS }, () => 0);
  for (let row = 0; row < trace.rows; row += 1) {
    const bucket = Math.floor((trace.atMs(row) - firstMs) / bucketMs);
    rowsPerBucket[Math.min(bucket, BUCKETS - 1)]! += 1;
  }
  const spanS = spanMs / 1000;
  return {
    spanS,
    ...(spanS > 0 ? { meanRps: trace.rows / spanS } : {}),
    bucketS: bucketMs / 1000,
    rowsPerBucket,
  };
}

/** From the smallest useful size, doubled until all distinct blocks fit. */
function usualPools(trace: TraceColumns): number[] {
  const pools = [SMALLEST_POOL];
  while (pools.at(-1)! < trace.distinctBlocks) pools.push(2 * pools.at(-1)!);
  return pools;
}

function cachePoints(trace: TraceColumns, pools: readonly number[]): CachePoint[] {
  const lru = lruCurve(trace);
  const min = minCurve(trace, pools);
  return pools.map((blocks, i) => ({ blocks, lruShare: lru(blocks), minShare: min[i]! }));
}

/** What all rows begin with, if there is such a thing, then the branches that part there. */
function sharedRoots(trace: TraceColumns): SharedRoot[] {
  let { root: stem } = coreTree(prefixTree(trace));
  const [only] = stem.children;
  if (only?.visits === trace.rows) stem = only;
  const branches = stem.children
    .toSorted((a, b) => b.visits - a.visits)
    .map(({ visits, blocks }) => ({ rows: visits, blocks: stem.blocks + blocks }));
  const all = stem.blocks === 0 ? [] : [{ rows: stem.visits, blocks: stem.blocks }];
  return [...all, ...branches].slice(0, SHOWN_ROOTS);
}
