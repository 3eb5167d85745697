/**
 * What each key of `summary.json` means: the reference page is made from it, and the compiler asks
 * for a row for each key of the types in `result.ts`.
 */
import type {
  BestArms,
  CellCache,
  CellMetrics,
  CellSummary,
  ClientHealth,
  Comparison,
  Control,
  Design,
  Evenness,
  Fairness,
  Finding,
  Interval,
  NotCompared,
  PooledCache,
  Quantiles,
  RouterCost,
  Summary,
  TierSummary,
  UntilOutcome,
  Verdict,
  WorkerShare,
} from "../contract/result.ts";

type Meanings<Shape> = { readonly [Key in keyof Required<Shape>]: string };

export interface SummarySection {
  /** What the object is, for a heading. */
  readonly title: string;
  /** Where it stands: `cells[].cache`. */
  readonly paths: readonly string[];
  readonly keys: Readonly<Record<string, string>>;
}

const ROOT: Meanings<Summary> = {
  schemaVersion: "version of this format: 2. Keys are only ever added",
  tool: "name and version of the program that wrote the file",
  startedAt: "start of the run, ISO 8601 in UTC",
  verdict: "verdict of the whole run",
  design: "how the cells were arranged; left out while the run is unfinished",
  cells: "one object a cell: one arm at one point of the sweep in one repeat",
  comparisons: "one object a pair of arms, point and metric",
  best: "by the primary metric, for each point: the arms that may be the best; only from three repeats up",
  control: "the reference arm measured a second time, as another arm",
  until: "how a run with `--until` ended",
  notCompared: "metrics without an interval, and what it would take",
};

const DESIGN: Meanings<Design> = {
  order: "one object for each repeat and point, in the order in which they ran",
  repeats: "how often each arm was measured at each point",
  settling:
    "bounds of the throw-away load after each start of an engine or a router; left out on the virtual clock and with `--settle off`",
};

const TURN: Meanings<Design["order"][number]> = {
  repeat: "number of the repeat, from 0",
  parameters: "swept options and their values at this point",
  arms: "labels of the arms that share an engine, in the order in which they ran",
};

const SETTLING: Meanings<NonNullable<Design["settling"]>> = {
  maxBatches: "most batches of requests after a start",
  maxS: "most seconds after a start",
};

const VERDICT: Meanings<Verdict> = {
  state: "`trusted`, `untrusted` or `failed`",
  reasons: "findings, those that cost the trust and those that are notes",
};

const FINDING: Meanings<Finding> = {
  id: "stable name of the check: `client-late`, `errors`, `idle-worker`, …",
  severity: "`untrusted` turns the verdict; `note` does not",
  message: "what was seen",
  hint: "what to try",
  cells: "ids of the cells in which it was seen",
};

const CELL: Meanings<CellSummary> = {
  id: "name of the cell: repeat, point, arm",
  arm: "label of the arm",
  engine: "name of the engine",
  router: "name of the router",
  workload: "name of the workload",
  clock: "`wall` or `virtual`",
  timeScale: "how many times faster than the modelled hardware the engine ran; 1 for a real one",
  timesMultipliedBy:
    "only in a report of several runs: factor by which times were brought to those of the modelled hardware",
  parameters: "swept options and their values at this point",
  repeat: "number of the repeat, from 0",
  seed: "seed of the cell's requests; equal for all arms of a point and repeat",
  state: "`completed`, `aborted` or `failed`",
  requests: "numbers of requests by their end",
  durationS: "seconds from the first intended send to the last end, over measured requests",
  metrics: "metrics of the cell; formulas are in the metrics reference",
  cache: "shares of prompt tokens found in cache, and bounds on them",
  workers: "what each worker served",
  sloShare: "share of requests that kept the limits of `--slo`; failed requests did not",
  goodputRps: "requests per second that kept the limits of `--slo`",
  tiers: "results of each tier of `--tiers`, in its order",
  fairness: "how evenly the tiers were served, from two tiers up",
  client: "health of the load generator",
  routerCost: "what the router's decisions cost, for routers that dynbench hosts",
  errors: "failed requests, grouped by kind and message, most frequent first",
  verdict: "verdict of this cell",
};

const REQUESTS: Meanings<CellSummary["requests"]> = {
  sent: "requests sent: ok, failed and aborted",
  ok: "requests with a complete answer",
  failed: "requests that ended in an error",
  dropped: "requests that were due and never sent",
  aborted:
    "requests in flight when dynbench itself stopped the load; they are no failures, and the key is left out when there are none",
};

const METRIC_KEYS: Meanings<CellMetrics> = {
  ttftMs: "time to first token, a distribution",
  itlMs: "gaps between output chunks, a distribution",
  tpotMs: "time per output token of a request, a distribution",
  e2eMs: "time from intended send to the end of the answer, a distribution",
  isl: "prompt tokens of a request, a distribution",
  osl: "output tokens of a request, a distribution",
  tokensPerChunk: "mean output tokens of a chunk that carried any; left out where it is 1",
  requestRps: "completed requests per second",
  inputTps: "prompt tokens per second",
  outputTps: "output tokens per second",
};

const QUANTILES: Meanings<Quantiles> = {
  n: "number of values",
  mean: "arithmetic mean",
  std: "standard deviation",
  min: "smallest value",
  p25: "25th percentile, interpolated as numpy does",
  p50: "median",
  p75: "75th percentile",
  p90: "90th percentile",
  p95: "95th percentile",
  p99: "99th percentile",
  max: "largest value",
};

const CACHE: Meanings<CellCache> = {
  cachedShare:
    "Σ prompt tokens that the engine found in cache / Σ prompt tokens; left out where the engine does not report them",
  idealShare:
    "the same share for one unbounded cache that all workers share and that serves the requests in send order",
  expectedShare: "share that the router expected to be cached on the worker that it chose",
  presentShare: "share that the router believed cached on the worker that held most of each prompt",
  reachedShare: "cachedShare / idealShare",
  pooled: "bounds of one cache as large as those of all workers, for requests from a file",
};

const POOLED: Meanings<PooledCache> = {
  blocks: "size of that cache in blocks of the engine",
  lruShare: "share of prompt tokens that it serves when it evicts the least recently used block",
  minShare: "the most that it can serve, with Belady's MIN",
};

const WORKER: Meanings<WorkerShare> = {
  id: "name of the worker",
  role: "`prefill` or `decode`, where the two are split",
  requests: "requests it served; with split roles a request counts at both of its workers",
  promptTokens: "prompt tokens it computed or found in cache",
  cachedTokens: "prompt tokens it found in cache",
};

const TIER: Meanings<TierSummary> = {
  name: "name of the tier",
  priority: "priority of its requests; left out where they carried none",
  requests: "numbers of its requests by their end",
  ttftMs: "its time to first token, a distribution",
  itlMs: "its gaps between output chunks, a distribution; left out on the virtual clock",
  tpotMs: "its time per output token, a distribution",
  e2eMs: "its time to the end of the answer, a distribution",
  ttftMeanMs: "mean TTFT with the 95 % interval of this cell alone",
  e2eMeanMs: "mean E2E with the 95 % interval of this cell alone",
  sloShare: "share of its requests that kept the limits of `--slo`",
  cachedShare: "share of its prompt tokens found in cache",
  tokensPerS: "Σ output tokens / Σ E2E: tokens per second that one of its requests gets",
};

const TIER_REQUESTS: Meanings<TierSummary["requests"]> = {
  sent: REQUESTS.sent,
  ok: REQUESTS.ok,
  failed: REQUESTS.failed,
  dropped: REQUESTS.dropped,
};

const FAIRNESS: Meanings<Fairness> = {
  ttft: "over the tiers' mean TTFT",
  service: "over the tiers' tokensPerS",
};

const EVENNESS: Meanings<Evenness> = {
  jain: "Jain's index (Σx)² / (n Σx²): 1 where all are equal, 1/n where one has everything",
  maxOverMin: "largest value / smallest value",
};

const CLIENT: Meanings<ClientHealth> = {
  latenessMs: "how late the generator turned to its requests",
  requestedRps: "open loop: requests per second as they were due",
  sentRps: "open loop: requests per second as they were sent",
  loopLagMs: "lag of the generator's event loop, sampled",
  cpuSeconds: "processor time of the load process during the measured phase",
  busyShare: "share of the measured phase in which its sending thread ran, 0 to 1",
  maxRssMb: "largest resident memory of the load process",
  pathMs: "milliseconds from asking the router for its list of models to the answer, at best",
  clockStepMs: "milliseconds by which the wall clock was set during the measured phase, if it was",
  connections: "connections opened",
  retries: "requests sent again because a kept connection closed before any byte of the answer",
};

const LATENESS: Meanings<ClientHealth["latenessMs"]> = {
  p50: "median",
  p99: "99th percentile",
  max: "largest value",
};

const LAG: Meanings<NonNullable<ClientHealth["loopLagMs"]>> = {
  mean: "mean",
  p99: "99th percentile",
  max: "largest value",
};

const COST: Meanings<RouterCost> = {
  hashUs: "microseconds for hashing the blocks of a prompt",
  lookupUs: "microseconds for looking the blocks up in the prefix index",
  scoreUs: "microseconds for the policy's choice",
  tokeniseUs: "microseconds for turning text into tokens",
  tokeniseWaitUs: "microseconds of waiting for a thread that does so",
  decisions: "number of decisions",
  eventsApplied: "KV events that changed the prefix index",
  retries: "requests that were given to a second worker",
};

const COST_PART: Meanings<RouterCost["hashUs"]> = { p50: "median", p99: "99th percentile" };

const ERROR: Meanings<CellSummary["errors"][number]> = {
  kind: "`connect`, `status`, `stream`, `error-frame`, `timeout`, `malformed`, `disconnected` or `other`",
  message: "the server's own words where it gave any",
  status: "HTTP status, where there was one",
  url: "URL that failed, where the load went to several",
  count: "number of such failures",
};

const COMPARISON: Meanings<Comparison> = {
  a: "label of the reference arm",
  b: "label of the arm compared with it",
  parameters: "point of the sweep",
  metric: "name of the metric: `ttftMs.mean`, `outputTps`",
  unit: "its unit",
  role: "`primary`: of the metric that `--primary` named; `secondary`: of another",
  ratio: "figure of b / figure of a, with the interval of this comparison alone",
  difference: "figure of b − figure of a, likewise",
  confidence: "confidence of the intervals: 0.95",
  adjusted:
    "the interval of the ratio by which it is claimed or not: in 95 % of runs no claim of a kind is false",
  claim:
    "`lower` or `higher`: what the adjusted interval shows of b, from three repeats up; else `none`. Reports colour and word only claims",
  method: "how the intervals were made",
  n: "number of repeats or requests behind them",
  unitOfN: "`repeats` or `requests`",
};

const ADJUSTED: Meanings<Comparison["adjusted"]> = {
  low: "lower end",
  high: "upper end",
  over: "over how many comparisons the claims of its kind hold together",
};

const BEST: Meanings<BestArms> = {
  parameters: "point of the sweep",
  arms: "labels of the arms that may be the best: all others are worse than one of these. A single one is the best",
};

const CONTROL: Meanings<Control> = {
  a: "label of the reference arm",
  b: "label of its second measurement",
  metric: "the primary metric",
  points: "ratio of b / a with its interval, for each point",
  agrees:
    "false where the two differ as only one honest run in a thousand would, which costs the trust; left out below three repeats",
};

const CONTROL_POINT: Meanings<Control["points"][number]> = {
  parameters: "point of the sweep",
  ratio: "figure of b / figure of a, with its 95 % interval",
};

const UNTIL: Meanings<UntilOutcome> = {
  rule: "`decided`, or `width` for a percentage",
  halfWidth: "the percentage as a share: half the width of an adjusted interval / its ratio",
  repeats: "repeats that were run",
  isMet: "whether all primary comparisons with a reference show what was asked for",
};

const NOT_COMPARED: Meanings<NotCompared> = {
  metric: "name of the metric",
  why: "what an interval needs, and what there is",
};

const INTERVAL: Meanings<Interval> = {
  value: "the estimate",
  low: "lower end of the interval",
  high: "upper end of the interval",
};

const DISTRIBUTIONS = ["ttftMs", "itlMs", "tpotMs", "e2eMs", "isl", "osl"];

/** In the order in which a reader meets them. */
export const SUMMARY_SECTIONS: readonly SummarySection[] = [
  { title: "The file", paths: [""], keys: ROOT },
  { title: "Tool", paths: ["tool"], keys: { name: "always `dynbench`", version: "its version" } },
  { title: "Design", paths: ["design"], keys: DESIGN },
  { title: "Turn", paths: ["design.order[]"], keys: TURN },
  { title: "Settling", paths: ["design.settling"], keys: SETTLING },
  { title: "Verdict", paths: ["verdict", "cells[].verdict"], keys: VERDICT },
  { title: "Finding", paths: ["verdict.reasons[]", "cells[].verdict.reasons[]"], keys: FINDING },
  { title: "Cell", paths: ["cells[]"], keys: CELL },
  { title: "Requests", paths: ["cells[].requests"], keys: REQUESTS },
  { title: "Metrics", paths: ["cells[].metrics"], keys: METRIC_KEYS },
  {
    title: "Distribution",
    paths: [
      ...DISTRIBUTIONS.map((key) => `cells[].metrics.${key}`),
      ...DISTRIBUTIONS.slice(0, 4).map((key) => `cells[].tiers[].${key}`),
    ],
    keys: QUANTILES,
  },
  { title: "Cache", paths: ["cells[].cache"], keys: CACHE },
  { title: "Pooled cache", paths: ["cells[].cache.pooled"], keys: POOLED },
  { title: "Worker", paths: ["cells[].workers[]"], keys: WORKER },
  { title: "Tier", paths: ["cells[].tiers[]"], keys: TIER },
  { title: "Requests of a tier", paths: ["cells[].tiers[].requests"], keys: TIER_REQUESTS },
  { title: "Fairness", paths: ["cells[].fairness"], keys: FAIRNESS },
  {
    title: "Evenness",
    paths: ["cells[].fairness.ttft", "cells[].fairness.service"],
    keys: EVENNESS,
  },
  { title: "Client", paths: ["cells[].client"], keys: CLIENT },
  { title: "Lateness", paths: ["cells[].client.latenessMs"], keys: LATENESS },
  { title: "Event loop lag", paths: ["cells[].client.loopLagMs"], keys: LAG },
  { title: "Router cost", paths: ["cells[].routerCost"], keys: COST },
  {
    title: "Part of a router's cost",
    paths: ["hashUs", "lookupUs", "scoreUs", "tokeniseUs", "tokeniseWaitUs"].map(
      (key) => `cells[].routerCost.${key}`,
    ),
    keys: COST_PART,
  },
  { title: "Error", paths: ["cells[].errors[]"], keys: ERROR },
  { title: "Comparison", paths: ["comparisons[]"], keys: COMPARISON },
  { title: "Adjusted interval", paths: ["comparisons[].adjusted"], keys: ADJUSTED },
  { title: "Best arms", paths: ["best[]"], keys: BEST },
  { title: "Control", paths: ["control"], keys: CONTROL },
  { title: "Point of the control", paths: ["control.points[]"], keys: CONTROL_POINT },
  { title: "Until", paths: ["until"], keys: UNTIL },
  { title: "Metric without an interval", paths: ["notCompared[]"], keys: NOT_COMPARED },
  {
    title: "Interval",
    paths: [
      ...["ratio", "difference"].map((key) => `comparisons[].${key}`),
      "control.points[].ratio",
      ...["ttftMeanMs", "e2eMeanMs"].map((key) => `cells[].tiers[].${key}`),
    ],
    keys: INTERVAL,
  },
];
