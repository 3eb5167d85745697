/** Small traces for tests, and the public ones where they are beside the checkout. */
import { readFileSync } from "node:fs";
import { parseMooncakeRow } from "../../../plugins/trace-formats/mooncake.ts";
import { TraceColumns } from "../../../core/trace/trace-columns.ts";
import { TRACE_BLOCK_SIZE, type TraceRow } from "../../../core/trace/trace-row.ts";
import { traceFile } from "../../simulation/trace-requests.ts";

/** Rows of these blocks, all full, of 512 tokens; output of 10 tokens; one a second. */
export function columnsOf(blocks: readonly (readonly number[])[]): TraceColumns {
  return fromRows(
    blocks.map((ids, row) => ({
      atMs: row * 1000,
      isl: ids.length * TRACE_BLOCK_SIZE,
      osl: 10,
      blocks: ids,
    })),
  );
}

export function fromRows(rows: readonly TraceRow[], blockSize = TRACE_BLOCK_SIZE): TraceColumns {
  const columns = new TraceColumns(blockSize);
  for (const row of rows) columns.add(row);
  return columns;
}

/** A public trace; undefined where it is not beside the checkout. */
export function publicTrace(name: string): TraceColumns | undefined {
  const path = traceFile(name);
  if (path === undefined) return undefined;
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return fromRows(lines.map((line) => parseMooncakeRow(line, TRACE_BLOCK_SIZE)));
}
