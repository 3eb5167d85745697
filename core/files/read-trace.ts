/**
 * The rows of a Mooncake trace file, in batches, as they are read: nothing is kept, so a trace of
 * any size can be walked. The first row that is not as it should be ends the reading with its place;
 * `lenient` passes over such rows and tells how many there were.
 */
import { DynbenchError } from "../errors.ts";
import { parseMooncakeRow } from "../trace/mooncake.ts";
import { RowOrder } from "../trace/row-order.ts";
import { TraceFault, type TraceRow } from "../trace/trace-row.ts";
import { readLines } from "./read-lines.ts";

export interface ReadTraceOptions {
  /** Tokens per hash id. */
  readonly blockSize: number;
  /** Told of each row that is passed over; without it such a row is a fault. */
  readonly skipped?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/** Throws a `DynbenchError` that names file, line and field. */
export async function* readTrace(
  path: string,
  options: ReadTraceOptions,
): AsyncGenerator<readonly TraceRow[]> {
  const order = new RowOrder();
  let rowCount = 0;
  for await (const { first, lines } of readLines(path, options.signal)) {
    const rows: TraceRow[] = [];
    for (let i = 0; i < lines.length; i += 1) {
      if (lines[i]!.trim() === "") continue;
      try {
        const row = parseMooncakeRow(lines[i]!, options.blockSize);
        order.follow(row);
        rows.push(row);
      } catch (error) {
        if (!(error instanceof TraceFault)) throw error;
        if (options.skipped) options.skipped(`line ${first + i}: ${error.message}`);
        else throw rowFault(path, first + i, error);
      }
    }
    rowCount += rows.length;
    if (rows.length > 0) yield rows;
  }
  if (rowCount === 0) {
    throw new DynbenchError("plan", `Cannot use "${path}": there is no row in it`, {
      hint: "A trace has one JSON object a line: timestamp, input_length, output_length, hash_ids",
    });
  }
}

function rowFault(path: string, line: number, fault: TraceFault): DynbenchError {
  const hint = fault.field.startsWith("hash_ids")
    ? "Say how many tokens an id stands for with --trace-block-size, or mend the row; --lenient passes over it"
    : "Mend the row, or pass over such rows with --lenient";
  return new DynbenchError("plan", `Cannot read "${path}": line ${line}: ${fault.message}`, {
    cause: fault,
    hint,
  });
}
