/**
 * What an engine needs beside `dynbench`, and a router that is a program of its own, as the package
 * `dynbench/engine`: processes, ports, GPUs, Python, HTTP servers, tokenizers, KV events.
 */
export type { Discovery, Engine, EngineHandle, EngineModel } from "../contract/engine.ts";
export type { Need, PlannedProcess } from "../contract/foreign-programs.ts";
export type { PlaneSettings, PluginUse } from "../contract/plan.ts";
export type {
  ChildContext,
  Explanation,
  ForeignDetails,
  ForeignProcess,
  Logger,
  ProcessHandle,
  Processes,
  StartContext,
} from "../contract/processes.ts";
export {
  USUAL_BLOCK_SIZE,
  type KvEventSource,
  type Plane,
  type PriorityDialect,
  type Worker,
  type WorkerRole,
} from "../contract/request.ts";
export type { RouterHandle } from "../contract/router.ts";
export {
  stepsNs,
  type DecodeRun,
  type WorkerCounts,
  type WorkerLimits,
  type WorkerModel,
  type WorkerRequest,
  type WorkerSink,
} from "../contract/worker-model.ts";
export { endedTogether } from "../process/ended-together.ts";
export { freePorts, mustBeFree } from "../process/free-ports.ts";
export { GPU_QUERY, parseGpus, placeOnGpus, visibleGpus, type Gpu } from "../process/gpus.ts";
export { launched, launchFault, type Launch } from "../process/launch-prefix.ts";
export { mustHavePackage } from "../process/python-facts.ts";
export {
  lastJson,
  probePython,
  type PythonAnswer,
  type PythonProgram,
} from "../process/python-probe.ts";
export { allOrNone, runForeign, type ForeignTask, type TaskEnd } from "../process/task.ts";
export { startFault, untilReady } from "../process/until-ready.ts";
export { chosenTokenizer, openTokenizer, promptTokenizer } from "../prompt/open-tokenizer.ts";
export type { ChatMessage, Tokenizer } from "../prompt/tokenizer.ts";
export { FIRST_TOKEN_ID, LAST_TOKEN_ID } from "../prompt/tokens.ts";
export * as wordTokenizer from "../prompt/word-tokenizer.ts";
export { blockHashes, hashBlocks } from "../routing/kv/block-hash.ts";
export { BlockMap } from "../routing/kv/block-map.ts";
export { BlockTable } from "../routing/kv/block-table.ts";
export { encodeKvBatch, type KvBatch, type KvEvent } from "../routing/kv/kv-events.ts";
export { epochMs, monotonicNs } from "../system/clock.ts";
export {
  fetchControl,
  fetchControlJson,
  servedModels,
  withoutSlash,
  type ControlRequest,
} from "../wire/http/control.ts";
export { urlHost } from "../wire/http/target.ts";
export { cacheConfig, kvEventSource } from "../wire/http/worker-facts.ts";
export { startPublisher } from "../wire/zmq/publisher.ts";
export { startReplayServer } from "../wire/zmq/replay.ts";
export { encodeSequence } from "../wire/zmq/sequence.ts";
