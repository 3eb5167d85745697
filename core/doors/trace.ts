/**
 * What a trace format needs, and a workload that reads traces, as the package `dynbench/trace`: the
 * contract of a format, the readers of fields that formats share, reading, and synthesis.
 */
export type { ChatMessage } from "../prompt/tokenizer.ts";
export { BlockNames } from "../trace/block-names.ts";
export { CsvTable } from "../trace/csv.ts";
export {
  idsIn,
  listIn,
  millisecondsIn,
  mustCover,
  nameIn,
  numberIn,
  objectIn,
  objectOf,
  optional,
  secondsIn,
  textIn,
  tokensIn,
  unixMsIn,
  wholeIn,
  type JsonObject,
} from "../trace/field.ts";
export { readTrace, type ReadTraceOptions, type TraceBatch } from "../trace/read-trace.ts";
export {
  boundFaults,
  changesRows,
  knobsOf,
  SYNTHESIS_ENTRIES,
} from "../trace/synthesis/synthesis-options.ts";
export { synthesizeRows } from "../trace/synthesis/synthesize.ts";
export { learnTrace, type TraceModel } from "../trace/synthesis/trace-model.ts";
export { TraceColumns } from "../trace/trace-columns.ts";
export type {
  ReaderOptions,
  TextTokenizer,
  TraceAspect,
  TraceFormat,
  TraceReader,
  TraceWriter,
} from "../trace/trace-format.ts";
export {
  MAX_BLOCK_ID,
  MAX_ROW_TOKENS,
  TRACE_BLOCK_SIZE,
  TraceFault,
  type TraceRow,
} from "../trace/trace-row.ts";
