/** What every command on a trace file is told about it, and how it is read whole. */
import * as v from "valibot";
import { readTrace } from "../files/read-trace.ts";
import { TraceColumns } from "../trace/trace-columns.ts";
import { MAX_ROW_TOKENS, TRACE_BLOCK_SIZE } from "../trace/trace-row.ts";

export const TRACE_FILE_ENTRIES = {
  traceBlockSize: v.pipe(
    v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_ROW_TOKENS)),
      TRACE_BLOCK_SIZE,
    ),
    v.description("Tokens that one hash id stands for"),
    v.metadata({ aliases: ["block-size"] }),
  ),
  lenient: v.pipe(
    v.optional(v.boolean(), false),
    v.description("Pass over rows that are not as they should be, and count them"),
  ),
};

/** Skipped rows that are told one by one; the rest is counted. */
const SHOWN_SKIPS = 5;

/** The trace in memory; says on stderr what was passed over. */
export async function readWhole(
  path: string,
  { traceBlockSize, lenient }: { traceBlockSize: number; lenient: boolean },
): Promise<TraceColumns> {
  const columns = new TraceColumns(traceBlockSize);
  let skipped = 0;
  const tell = (message: string): void => {
    skipped += 1;
    if (skipped <= SHOWN_SKIPS) process.stderr.write(`${path}: passed over ${message}\n`);
  };
  const reading = { blockSize: traceBlockSize, ...(lenient ? { skipped: tell } : {}) };
  for await (const rows of readTrace(path, reading)) for (const row of rows) columns.add(row);
  if (skipped > SHOWN_SKIPS) process.stderr.write(`${path}: passed over ${skipped} rows in all\n`);
  return columns;
}
