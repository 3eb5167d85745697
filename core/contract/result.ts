/**
 * The results of a cell and of a run: given to reporters, and written to `summary.json`.
 *
 * `Summary` is a stable format for other programs (schemaVersion 2): keys are only ever added. Each
 * name ends with its unit. A figure that is not known is left out, never null or zero.
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

/** One reason not to trust a figure: what was observed, what it means, what to try. */
export interface Finding {
  /** Stable name: `client-late`, `errors`, `short-output`, `idle-worker`, `no-kv-events`, … */
  id: string;
  /** `untrusted` makes the verdict untrusted; `note` does not change it. */
  severity: "untrusted" | "note";
  message: string;
  hint: string;
  /** Ids of the cells in which it was observed. */
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
  /** Output tokens per chunk that had any, if not 1: the ITL counts one gap for each chunk. */
  tokensPerChunk?: number;
  requestRps: number;
  inputTps: number;
  outputTps: number;
}

export interface CellCache {
  /** Σ cached / Σ prompt tokens, as reported by the engine; left out if it does not report them. */
  cachedShare?: number;
  /** The same for one unbounded cache that all workers share, in send order: an upper bound for every router. */
  idealShare: number;
  /** Share of prompt tokens (those of `cachedShare`) that the router expected to be cached on the chosen workers, */
  expectedShare?: number;
  /** and on the worker that had most of each prompt. Both only for routers that use the cache. */
  presentShare?: number;
  /** cachedShare / idealShare. */
  reachedShare?: number;
  /** For requests from a file, if the workers report their capacity: bounds that the cache sizes set. */
  pooled?: PooledCache;
}

/** Upper bounds of the cached share for the requests of a cell. */
export interface CacheBounds {
  readonly idealShare: number;
  readonly pooled?: PooledCache;
}

/** One cache as large as those of all workers that compute prompts together; requests in send order. */
export interface PooledCache {
  blocks: number;
  /** Share of prompt tokens that it serves with LRU eviction, */
  lruShare: number;
  /** and with Belady's MIN, the best possible eviction: an upper bound for routing over these caches. */
  minShare: number;
}

/** One tier of a cell. Latencies are those of its completed measured requests. */
export interface TierSummary {
  name: string;
  /** As planned; left out if its requests had none. */
  priority?: number;
  requests: { sent: number; ok: number; failed: number; dropped: number };
  ttftMs?: Quantiles;
  /** Left out on the virtual clock, whose records have no gaps. */
  itlMs?: Quantiles;
  tpotMs?: Quantiles;
  e2eMs?: Quantiles;
  /** The mean, with its 95 % interval from this run alone. */
  ttftMeanMs?: Interval;
  e2eMeanMs?: Interval;
  /** Share of its requests that kept the limits of `--slo`; a failed request did not. */
  sloShare?: number;
  /** Σ cached / Σ prompt tokens. */
  cachedShare?: number;
  /** Σ output tokens / Σ E2E: the token rate of one request of the tier while it runs. */
  tokensPerS?: number;
}

/**
 * How evenly tiers were served, for one value x for each of n tiers: Jain's index (Σx)² / (n Σx²), which
 * is 1 if all are equal and 1/n if one has everything (Jain, Chiu and Hawe, DEC-TR-301, 1984), and max / min.
 */
export interface Evenness {
  jain: number;
  maxOverMin: number;
}

export interface Fairness {
  /** Evenness of the tiers' mean TTFT. */
  ttft: Evenness;
  /** Evenness of their `tokensPerS`. */
  service: Evenness;
}

export interface WorkerShare {
  id: string;
  /** Set if prefill and decode are split. A request then counts at both workers, its prompt at the prefill worker. */
  role?: Exclude<WorkerRole, "aggregated">;
  requests: number;
  promptTokens: number;
  cachedTokens: number;
}

/** Health of the load generator itself. */
export interface ClientHealth {
  /** Actual minus intended start of sending, over measured requests. */
  latenessMs: { p50: number; p99: number; max: number };
  /** Open loop only: requests per second as intended, and as sent. */
  requestedRps?: number;
  sentRps?: number;
  /** Event loop lag of the load process, sampled; earlier runs have no mean. */
  loopLagMs?: { mean?: number; p99: number; max: number };
  /** CPU time of the load process, all threads, during the measured phase. */
  cpuSeconds?: number;
  /** Share of the measured phase in which the thread that sends and takes times was running, 0 to 1. */
  busyShare?: number;
  maxRssMb?: number;
  /** From asking the router for its list of models to the answer, at best: the way without an engine. */
  pathMs?: number;
  /** By how much the wall clock was set during the measured phase, where it was. */
  clockStepMs?: number;
  connections?: number;
  retries?: number;
}

/** A throw-away load before a cell whose engine or router had just been started. */
export interface Settled {
  requests: number;
  seconds: number;
  /** Its latency stood still before its bounds were reached. */
  isStill: boolean;
  /** Mean TTFT of each batch. */
  ttftMs: readonly number[];
}

/** How the cells of a run are arranged, so that the arms differ in nothing but the arm. */
export interface Design {
  /** Arms by their labels, in the order in which they run: one entry for each repeat, point and engine. */
  order: { repeat: number; parameters: PlannedCell["parameters"]; arms: string[] }[];
  repeats: number;
  /** Bounds of the throw-away load after each start of an engine or a router; left out where there is none. */
  settling?: { maxBatches: number; maxS: number };
}

/** Costs of the gateway for each decision, in microseconds. */
export interface RouterCost {
  hashUs: { p50: number; p99: number };
  lookupUs: { p50: number; p99: number };
  scoreUs: { p50: number; p99: number };
  /** Tokenising a text prompt, and waiting for the thread that does it; about 0 for token ids. */
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
  /** Factor by which times were multiplied to be those of the modelled hardware; set only in a report of several runs. */
  timesMultipliedBy?: number;
  parameters: Readonly<Record<string, number | string | boolean>>;
  repeat: number;
  seed: number;
  state: "completed" | "aborted" | "failed";
  /**
   * `aborted` requests were in flight when dynbench stopped the load; they are not failures, and the key
   * is left out if there are none. `sent` is ok + failed + aborted.
   */
  requests: { sent: number; ok: number; failed: number; dropped: number; aborted?: number };
  /** From the first intended send to the last end, over measured requests. */
  durationS: number;
  metrics: CellMetrics;
  cache: CellCache;
  workers: WorkerShare[];
  /** Share of the requests that kept the limits of `--slo`; a failed request did not. */
  sloShare?: number;
  /** Requests per second that kept the limits of `--slo`. */
  goodputRps?: number;
  /** In the order of `--tiers`; only for a load that has tiers. */
  tiers?: TierSummary[];
  /** Over the tiers with completed requests, if there are at least two. */
  fairness?: Fairness;
  client: ClientHealth;
  routerCost?: RouterCost;
  /** Failed requests by kind and message, and by URL if there are several; most frequent first. */
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
  /** `primary`: of the metric that the plan named before anything was measured. */
  role: "primary" | "secondary";
  ratio: Interval;
  difference: Interval;
  confidence: number;
  /** The interval of the ratio by which it is claimed or not; claims of its kind hold together over `over` comparisons. */
  adjusted: { low: number; high: number; over: number };
  /** What the adjusted interval shows, from three repeats up: b is lower or higher than a. */
  claim: Claim;
  method: ComparisonMethod;
  n: number;
  unitOfN: "repeats" | "requests";
}

export type Claim = "lower" | "higher" | "none";

export type ComparisonMethod =
  | "t on log-ratios of repeats and their quarters"
  | "t on log-ratios of ten parts, this run only"
  | "bootstrap of repeats and blocks of requests"
  | "bootstrap of blocks of requests, this run only";

/** Arms of which each may be the best at a point: all others are worse than one of these. */
export interface BestArms {
  parameters: Comparison["parameters"];
  arms: string[];
}

/** The reference arm measured a second time: how far two equal arms differ in this run. */
export interface Control {
  /** The reference, and its second measurement. */
  a: string;
  b: string;
  metric: string;
  /** Ratios b / a. */
  points: { parameters: Comparison["parameters"]; ratio: Interval }[];
  /** False where they differ as one honest run in a thousand would; undefined below three repeats. */
  agrees?: boolean;
}

/** How a run with `--until` ended. */
export interface UntilOutcome {
  rule: "decided" | "width";
  halfWidth?: number;
  /** Repeats that were run. */
  repeats: number;
  /** Whether the primary comparisons show what was asked for. */
  isMet: boolean;
}

/** A metric that has no interval, and what it would take. */
export interface NotCompared {
  metric: string;
  why: string;
}

export interface Summary {
  schemaVersion: 2;
  tool: { name: string; version: string };
  startedAt: string;
  verdict: Verdict;
  /** Left out while the run is unfinished. */
  design?: Design;
  cells: CellSummary[];
  comparisons: Comparison[];
  /** By the primary metric, a point each; left out below three repeats and for fewer than two arms. */
  best?: BestArms[];
  control?: Control;
  /** How a run with `--until` ended. */
  until?: UntilOutcome;
  notCompared?: NotCompared[];
}

/** Passed to reporters while load runs. */
export interface Progress {
  cell: PlannedCell;
  arm: string;
  cellIndex: number;
  cellCount: number;
  phase: "engine" | "router" | "preflight" | "settle" | "reset" | "load" | "simulate";
  /** Requests of this cell that have ended. */
  done: number;
  failed: number;
  inFlight: number;
  total: number | undefined;
  elapsedS: number;
  /** Remaining time of the whole run; undefined while unknown. */
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
   * without a first token. If both grow until the end, the load exceeded the capacity of the system.
   */
  open: { all: number[]; waiting: number[] };
}

/**
 * One point for each measured request that was sent, in send order; columns of equal length, NaN where
 * unknown. Latencies and output are known only for completed requests.
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
  /** Set in a report of several runs: for each router, the index of its arm in each run; undefined where a run has none. */
  sideBySide?: {
    readonly runs: readonly string[];
    readonly routers: readonly {
      readonly label: string;
      readonly arms: readonly (number | undefined)[];
    }[];
  };
}
