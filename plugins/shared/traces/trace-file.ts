/** A trace file as the input of a workload: its options, its rows, and the prompt of a row. */
import { given, v, type ContentSegment } from "dynbench";
import {
  MAX_BLOCK_ID,
  MAX_ROW_TOKENS,
  readTrace,
  TRACE_BLOCK_SIZE,
  type TraceBatch,
  type TraceRow,
} from "dynbench/trace";
import { whole } from "../option-shapes.ts";
import { TRACE_FORMATS } from "./trace-formats.ts";

export const traceFileOptions = {
  traceFormat: v.pipe(
    v.optional(v.string(), "auto"),
    v.description(`Format of the trace: auto, ${TRACE_FORMATS.map(({ name }) => name).join(", ")}`),
  ),
  traceBlockSize: v.pipe(
    v.optional(whole(1, MAX_ROW_TOKENS), TRACE_BLOCK_SIZE),
    v.description("Tokens that one hash id of the trace stands for"),
  ),
};

/** The rows in batches. `skipped` is called for each invalid row; without it such a row is a fault. */
export function traceRows(
  {
    trace,
    traceFormat,
    traceBlockSize,
  }: {
    readonly trace: string;
    readonly traceFormat: string;
    readonly traceBlockSize: number;
  },
  signal: AbortSignal,
  skipped?: (message: string) => void,
): AsyncGenerator<TraceBatch> {
  const reading = {
    formats: TRACE_FORMATS,
    blockSize: traceBlockSize,
    format: traceFormat,
    signal,
  };
  return readTrace(trace, { ...reading, ...given({ skipped }) });
}

/** The blocks that the row names; one content of its own where the trace has no blocks. */
export function promptOf(
  { blocks, isl }: TraceRow,
  { index, blockSize }: { readonly index: number; readonly blockSize: number },
): ContentSegment[] {
  if (blocks.length === 0) return [{ content: MAX_BLOCK_ID + index, tokens: isl }];
  return blocks.map((content, i) => ({
    content,
    tokens: Math.min(blockSize, isl - i * blockSize),
  }));
}
