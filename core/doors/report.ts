/**
 * What a reporter needs beside `dynbench`, as the package `dynbench/report`: the results of a run,
 * and the formulas by which the bundled reporters pool and label them.
 */
export type { Plan, PlannedArm, PlannedCell } from "../contract/plan.ts";
export type { Logger } from "../contract/processes.ts";
export type { RequestError, RequestRecord, RequestState } from "../contract/record.ts";
export type { Reporter, ReporterContext, ReporterHandle } from "../contract/reporter.ts";
export type {
  CacheBounds,
  CellCache,
  CellMetrics,
  CellResult,
  CellSeries,
  CellSummary,
  ClientHealth,
  BestArms,
  Claim,
  Comparison,
  Control,
  Evenness,
  Fairness,
  Finding,
  Interval,
  NotCompared,
  PooledCache,
  Progress,
  Quantiles,
  RequestPoints,
  RouterCost,
  RunResult,
  Summary,
  TierSummary,
  UntilOutcome,
  Verdict,
  VerdictState,
  WorkerShare,
} from "../contract/result.ts";
export { shortNames } from "../base/short-names.ts";
export { METRICS, metricLabel, metricOf, metricWords } from "../metrics/definitions.ts";
export {
  LOSSES,
  meanLadder,
  workerImbalance,
  type HitLadder,
  type LossName,
} from "../metrics/ladder.ts";
export { claimFor, isOpen, type ArmClaim } from "../metrics/compare/claim.ts";
export { withoutControl } from "../metrics/without-control.ts";
export { timeScaleNotes } from "../metrics/model-time.ts";
export { quantilesOf } from "../statistics/quantiles.ts";
export { WeightedSamples } from "../statistics/weighted-samples.ts";
export { formatGuideSummary, guideSummary } from "../metrics/summary/guide-summary.ts";
export { MANY_ARMS } from "../metrics/summary/varied-options.ts";
export { referenceArm } from "../metrics/reference-arm.ts";
export {
  controlSentence,
  rankArms,
  shownIn,
  writeHeadline,
  type Headline,
} from "../metrics/summary/headline.ts";
export { meanFairness, tierRows, type TierRow } from "../metrics/summary/tier-rows.ts";
