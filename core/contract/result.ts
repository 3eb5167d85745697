/**
 * The results of a cell and of a run: what reporters get and `summary.json` holds.
 *
 * `Summary` is the part other programs may rely on (schemaVersion 1); keys are only ever added. Units
 * end the names. `null` never stands for zero: what is not known is left out.
 */
import type { Plan, PlannedCell } from "./plan.ts";
import type { WorkerRole } from "./request.ts";

export interface Quantiles {
  n: number;
  mean: number;
  std: number;
  min: number;
  p25: number;
  p50: number;
  p75: number;
  p90: number;
  p95: number;
  p99: number;
  max: number;
}

export type VerdictState = "trusted" | "untrusted" | "failed";

/** One reason not to believe a figure: what was seen, what it means, what to try. */
export interface Finding {
  /** Stable name: `client-late`, `errors`, `short-output`, `idle-worker`, `no-kv-events`, … */
  id: string;
  /** `untrusted` turns the verdict; `note` is worth knowing and does not. */
  severity: "untrusted" | "note";
  message: string;
  hint: string;
  /** Cells it was seen in. */
  cells?: string[];
}

export interface Verdict {
  state: VerdictState;
  reasons: Finding[];
}

export interface CellMetrics {
  ttftMs?: Quantiles;
  itlMs?: Quantiles;
  tpotMs?: Quantiles;
  e2eMs?: Quantiles;
  isl?: Quantiles;
  osl?: Quantiles;
  /** Output tokens per chunk that carried any, where it is not 1: each chunk is one gap of the ITL. */
  tokensPerChunk?: number;
  requestRps: number;
  inputTps: number;
  outputTps: number;
}

export interface CellCache {
  /** Σ cached / Σ prompt tokens, as the engine reported them; left out where it does not. */
  cachedShare?: number;
  /** The same for one unbounded cache shared by all workers and served in order: no router can do better. */
  idealShare: number;
  /** Of the tokens that are cachedShare's basis, what the router believed cached where it sent them, */
  expectedShare?: number;
  /** and what it believed cached on the worker that had most of the prompt. Both only of routers that look. */
  presentShare?: number;
  /** Part of `idealShare` that was reached: cachedShare / idealShare. */
  reachedShare?: number;
  /** Of requests from a file, where the workers tell their capacity: what bounds the caches set. */
  pooled?: PooledCache;
}

/** What no router could have passed on the requests of a cell. */
export interface CacheBounds {
  readonly idealShare: number;
  readonly pooled?: PooledCache;
}

/** One cache as large as those of all workers that compute prompts, in send order. */
export interface PooledCache {
  blocks: number;
  /** Served share of the prompt tokens with LRU, */
  lruShare: number;
  /** and at most, with Belady's MIN: no routing over these caches can do better. */
  minShare: number;
}

/** One tier of a cell. Latencies are those of its completed measured requests. */
export interface TierSummary {
  name: string;
  /** As planned; left out where no request of it carried one. */
  priority?: number;
  requests: { sent: number; ok: number; failed: number; dropped: number };
  ttftMs?: Quantiles;
  /** Left out on the virtual clock, where records hold no gaps. */
  itlMs?: Quantiles;
  tpotMs?: Quantiles;
  e2eMs?: Quantiles;
  /** Of the mean, with the 95 % interval that this run alone gives. */
  ttftMeanMs?: Interval;
  e2eMeanMs?: Interval;
  /** Share of its requests that kept the limits of `--slo`; those that failed did not. */
  sloShare?: number;
  /** Σ cached / Σ prompt tokens. */
  cachedShare?: number;
  /** Σ output tokens / Σ E2E: what one request of the tier gets while it is under way. */
  tokensPerS?: number;
}

/**
 * How alike tiers were served: over tiers with mean x, Jain's index (Σx)² / (n Σx²), which is 1 where all
 * are equal and 1/n where one has everything (Jain, Chiu and Hawe, DEC-TR-301, 1984), and max / min.
 */
export interface Evenness {
  jain: number;
  maxOverMin: number;
}

export interface Fairness {
  /** Of the tiers' mean TTFT. */
  ttft: Evenness;
  /** Of their `tokensPerS`. */
  service: Evenness;
}

export interface WorkerShare {
  id: string;
  /** Where prefill and decode are split. A request counts at both; its prompt where it was prefilled. */
  role?: Exclude<WorkerRole, "aggregated">;
  requests: number;
  promptTokens: number;
  cachedTokens: number;
}

/** Health of the load generator itself. */
export interface ClientHealth {
  /** When the generator turned to a request minus when it should have, over measured requests. */
  latenessMs: { p50: number; p99: number; max: number };
  /** Of an open loop: requests per second as they were due, and as they were sent. */
  requestedRps?: number;
  sentRps?: number;
  /** Event loop lag of the load child, sampled. */
  loopLagMs?: { p99: number; max: number };
  /** CPU of the load child, all threads, during the measured phase. */
  cpuSeconds?: number;
  /** Part of the measured phase in which its sending and stamping thread ran, 0 to 1. */
  busyShare?: number;
  maxRssMb?: number;
  connections?: number;
  retries?: number;
}

/** Gateway's own costs, per decision, in microseconds. */
export interface RouterCost {
  hashUs: { p50: number; p99: number };
  lookupUs: { p50: number; p99: number };
  scoreUs: { p50: number; p99: number };
  /** Turning text into tokens, and the wait for the thread that does it; about 0 for token ids. */
  tokeniseUs?: { p50: number; p99: number };
  tokeniseWaitUs?: { p50: number; p99: number };
  decisions: number;
  eventsApplied?: number;
  retries?: number;
}

export interface CellSummary {
  id: string;
  arm: string;
  engine: string;
  router: string;
  workload: string;
  clock: "wall" | "virtual";
  timeScale: number;
  /** Set where times were brought to the modelled hardware's for a report of several runs: by this factor. */
  timesMultipliedBy?: number;
  parameters: Readonly<Record<string, number | string | boolean>>;
  repeat: number;
  seed: number;
  state: "completed" | "aborted" | "failed";
  /**
   * `aborted` requests were in flight when the load was stopped from our side, and are no failures;
   * left out when there are none. `sent` is ok + failed + aborted.
   */
  requests: { sent: number; ok: number; failed: number; dropped: number; aborted?: number };
  /** From the first intended send to the last end, over measured requests. */
  durationS: number;
  metrics: CellMetrics;
  cache: CellCache;
  workers: WorkerShare[];
  /** Share of the requests that kept the limits of `--slo`; those that failed did not. */
  sloShare?: number;
  /** In the order of `--tiers`; only of a load that has them. */
  tiers?: TierSummary[];
  /** Over those tiers of which requests were completed, where there are two at least. */
  fairness?: Fairness;
  client: ClientHealth;
  routerCost?: RouterCost;
  /** Failed requests by kind and message, and by URL where there are several; most frequent first. */
  errors: { kind: string; message: string; status?: number; url?: string; count: number }[];
  verdict: Verdict;
}

export interface Interval {
  value: number;
  low: number;
  high: number;
}

export interface Comparison {
  /** Arms: ratios are b / a, differences b − a. */
  a: string;
  b: string;
  parameters: Readonly<Record<string, number | string | boolean>>;
  metric: string;
  unit: string;
  ratio: Interval;
  difference: Interval;
  confidence: number;
  method: "t on log-ratio of repeat means" | "moving-block bootstrap, this run only";
  n: number;
  unitOfN: "repeats" | "requests";
}

export interface Summary {
  schemaVersion: 1;
  tool: { name: string; version: string };
  startedAt: string;
  verdict: Verdict;
  cells: CellSummary[];
  comparisons: Comparison[];
}

/** What a reporter hears while load runs. */
export interface Progress {
  cell: PlannedCell;
  arm: string;
  cellIndex: number;
  cellCount: number;
  phase: "engine" | "router" | "preflight" | "reset" | "load" | "simulate";
  /** Of this cell. */
  done: number;
  failed: number;
  inFlight: number;
  total: number | undefined;
  elapsedS: number;
  /** Of the whole run; undefined while unknown. */
  etaS: number | undefined;
  ttftMsMean: number | undefined;
  outputTps: number | undefined;
}

/** Numbers along a cell's time, for charts. */
export interface CellSeries {
  /** Requests in flight per worker, on a common time axis. */
  inFlight: { timeS: number[]; workers: { id: string; count: number[] }[] };
  /**
   * Over all workers, on the same axis: requests that were due and had not ended, and those of them
   * without a first token. Where both grow until the end the load was more than the system could take.
   */
  open: { all: number[]; waiting: number[] };
}

/**
 * One point a measured request that was sent, in send order, columns of equal length; NaN where
 * unknown. Latencies and output are known for completed requests alone.
 */
export interface RequestPoints {
  /** Position in the workload: the same request has the same index on every arm. */
  index: number[];
  sentS: number[];
  ttftMs: number[];
  tpotMs: number[];
  e2eMs: number[];
  /** Gaps between chunks of this request, and their mean. */
  gaps: number[];
  itlMsMean: number[];
  promptTokens: number[];
  cachedTokens: number[];
  uncachedTokens: number[];
  osl: number[];
  latenessMs: number[];
}

export interface CellResult {
  cell: PlannedCell;
  summary: CellSummary;
  points: RequestPoints;
  series: CellSeries;
}

export interface RunResult {
  plan: Plan;
  facts: Readonly<Record<string, unknown>>;
  summary: Summary;
  cells: CellResult[];
  /** The command that repeats the run. */
  command: string;
  /** Of a report of several runs: which arms, by index, are the same router in each; left out where a run has none. */
  sideBySide?: {
    readonly runs: readonly string[];
    readonly routers: readonly {
      readonly label: string;
      readonly arms: readonly (number | undefined)[];
    }[];
  };
}
