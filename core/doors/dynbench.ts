/**
 * What a plugin may import, as the package `dynbench`: the contract, and the few pure modules meant
 * for plugins. Bundled plugins use the same door as outside ones.
 */
export * as v from "valibot";
export * from "../contract/plugin.ts";
export * from "../contract/engine.ts";
export * from "../contract/router.ts";
export * from "../contract/workload.ts";
export * from "../contract/reporter.ts";
export type * from "../contract/foreign-programs.ts";
export type * from "../contract/processes.ts";
export type { AnyPlugin } from "../contract/plugins.ts";
export * from "../contract/request.ts";
export * from "../contract/routing-policy.ts";
export * from "../contract/worker-model.ts";
export * from "../base/errors.ts";
export { given, type Given } from "../base/given.ts";
export { whyNot } from "../base/why-not.ts";
export type * from "../contract/record.ts";
export type * from "../contract/plan.ts";
export type * from "../contract/result.ts";
export { randomStream, deriveSeed, type RandomStream } from "../base/random.ts";
export { exp, log, pow, cos, roundHalfEven } from "../base/portable-math.ts";
export {
  fetchControl,
  fetchControlJson,
  servedModels,
  withoutSlash,
  type ControlRequest,
} from "../wire/http/control.ts";
export { urlHost } from "../wire/http/target.ts";
export { cacheConfig, kvEventSource } from "../wire/http/worker-facts.ts";
export { drawLength } from "../workload/draw-length.ts";
export { chooseLeast, chooseSoftly } from "../routing/choose.ts";
export { monotonicNs, epochMs } from "../system/clock.ts";
export { blockHashes, hashBlocks } from "../routing/kv/block-hash.ts";
export { BlockMap } from "../routing/kv/block-map.ts";
export { BlockTable } from "../routing/kv/block-table.ts";
export { encodeKvBatch, type KvBatch, type KvEvent } from "../routing/kv/kv-events.ts";
export { FIRST_TOKEN_ID, LAST_TOKEN_ID } from "../prompt/tokens.ts";
export { chosenTokenizer, openTokenizer, promptTokenizer } from "../prompt/open-tokenizer.ts";
export type { ChatMessage, Tokenizer } from "../prompt/tokenizer.ts";
export * as wordTokenizer from "../prompt/word-tokenizer.ts";
export { encodeSequence } from "../wire/zmq/sequence.ts";
export { startPublisher } from "../wire/zmq/publisher.ts";
export { startReplayServer } from "../wire/zmq/replay.ts";
export { METRICS, metricLabel, metricOf } from "../metrics/definitions.ts";
export { guideSummary, formatGuideSummary } from "../metrics/summary/guide-summary.ts";
export {
  meanLadder,
  LOSSES,
  workerImbalance,
  type HitLadder,
  type LossName,
} from "../metrics/ladder.ts";
export { timeScaleNotes } from "../metrics/model-time.ts";
export { meanFairness, tierRows, type TierRow } from "../metrics/summary/tier-rows.ts";
export { quantilesOf } from "../metrics/statistics/quantiles.ts";
export { WeightedSamples } from "../metrics/statistics/weighted-samples.ts";
export { endedTogether } from "../process/ended-together.ts";
export { freePorts, mustBeFree } from "../process/free-ports.ts";
export { GPU_QUERY, parseGpus, placeOnGpus, visibleGpus, type Gpu } from "../process/gpus.ts";
export { launched, launchFault, type Launch } from "../process/launch-prefix.ts";
export {
  lastJson,
  probePython,
  type PythonAnswer,
  type PythonProgram,
} from "../process/python-probe.ts";
export { allOrNone, runForeign, type ForeignTask, type TaskEnd } from "../process/task.ts";
export { startFault, untilReady } from "../process/until-ready.ts";
export { readLines, type LineBatch } from "../system/read-lines.ts";
export { readTrace, type TraceBatch } from "../trace/read-trace.ts";
export { synthesizeRows } from "../trace/synthesis/synthesize.ts";
export { TRACE_FORMATS } from "../trace/trace-formats.ts";
export { TraceColumns } from "../trace/trace-columns.ts";
export { learnTrace, type TraceModel } from "../trace/synthesis/trace-model.ts";
export {
  boundFaults,
  changesRows,
  knobsOf,
  SYNTHESIS_ENTRIES,
} from "../trace/synthesis/synthesis-options.ts";
export {
  MAX_BLOCK_ID,
  MAX_ROW_TOKENS,
  TRACE_BLOCK_SIZE,
  type TraceRow,
} from "../trace/trace-row.ts";
