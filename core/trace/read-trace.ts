/**
 * The rows of a trace file of any known format, in batches, as they are read: formats whose lines
 * are rows of their own are walked in constant memory. The first row that is not as it should be
 * ends the reading with its place; `skipped` passes over such rows and is told of each.
 */
import { given } from "../base/given.ts";
import { DynbenchError } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";
import { mooncakeFormat } from "./formats/mooncake-format.ts";
import { RowOrder } from "./row-order.ts";
import type { TextTokenizer, TraceAspect, TraceFormat, TraceReader } from "./trace-format.ts";
import { TRACE_FORMATS } from "./trace-formats.ts";
import { TraceFault, type TraceRow } from "./trace-row.ts";
import { readLines } from "../system/read-lines.ts";

export interface ReadTraceOptions {
  /** Tokens per hash id, where the format does not say it itself. */
  readonly blockSize: number;
  /** A format by name; `auto` recognizes it from the first line. */
  readonly format?: string;
  /** For formats of texts. */
  readonly tokenizer?: TextTokenizer;
  /** Told of each row that is passed over; without it such a row is a fault. */
  readonly skipped?: (message: string) => void;
  /** Told at the end of what the format holds besides requests. */
  readonly leftOut?: (reason: string, count: number) => void;
  readonly signal?: AbortSignal;
}

export interface TraceBatch {
  readonly format: TraceFormat;
  /** Tokens per block of these rows. */
  readonly blockSize: number;
  readonly rows: readonly TraceRow[];
  /** What neither the format nor these rows say. */
  readonly silentOn: readonly TraceAspect[];
}

/** Throws a `DynbenchError` that names file, line and field. */
export async function* readTrace(
  path: string,
  options: ReadTraceOptions,
): AsyncGenerator<TraceBatch> {
  const order = new RowOrder();
  let format = options.format === undefined ? undefined : formatNamed(options.format);
  let reader: TraceReader | undefined;
  let rowCount = 0;
  let skipped = 0;
  let line = 0;
  /** What `read` gives, as far as it follows what came before. */
  const taken = (read: (reader: TraceReader) => readonly TraceRow[]): readonly TraceRow[] => {
    try {
      const rows = read(reader!);
      for (const row of rows) order.follow(row);
      rowCount += rows.length;
      return rows;
    } catch (error) {
      if (!(error instanceof TraceFault)) throw error;
      if (!options.skipped) throw rowFault(path, { line, format: format! }, error);
      skipped += 1;
      options.skipped(`line ${line}: ${error.message}`);
      return [];
    }
  };
  for await (const { first, lines } of readLines(path, options.signal)) {
    const rows: TraceRow[] = [];
    for (let i = 0; i < lines.length; i += 1) {
      const text = lines[i]!;
      line = first + i;
      if (text.trim() === "") continue;
      format ??= recognized(path, text);
      reader ??= openReader(path, format, options);
      for (const row of taken((opened) => opened.push(text))) rows.push(row);
    }
    if (rows.length > 0) yield batchOf(format!, reader!, rows);
  }
  if (reader) {
    const rows = taken((opened) => opened.end());
    if (rows.length > 0) yield batchOf(format!, reader, rows);
    for (const [reason, count] of reader.leftOut) options.leftOut?.(reason, count);
  }
  if (rowCount === 0) throw noRows(path, { format, skipped });
}

function batchOf(format: TraceFormat, reader: TraceReader, rows: readonly TraceRow[]): TraceBatch {
  const silentOn = [...new Set([...format.silentOn, ...(reader.alsoSilentOn ?? [])])];
  return { format, blockSize: reader.blockSize, rows, silentOn };
}

/** Undefined for `auto`. */
function formatNamed(name: string): TraceFormat | undefined {
  if (name === "auto") return undefined;
  const format = TRACE_FORMATS.find((one) => one.name === name);
  if (format) return format;
  const names = TRACE_FORMATS.map((one) => one.name);
  const guess = didYouMean(name, names);
  throw new DynbenchError("plan", `There is no trace format "${name}"`, {
    hint: guess ? `Did you mean "${guess}"?` : `Formats: ${names.join(", ")}`,
  });
}

function recognized(path: string, line: string): TraceFormat {
  const format = TRACE_FORMATS.find((one) => one.recognizes(line));
  if (format) return format;
  const start = line.length <= MAX_SHOWN ? line : `${line.slice(0, MAX_SHOWN)}…`;
  throw new DynbenchError("plan", `Cannot read "${path}": no known format begins with ${start}`, {
    hint: `Name its format with --trace-format: ${TRACE_FORMATS.map(({ name }) => name).join(", ")}`,
  });
}

const MAX_SHOWN = 60;

function openReader(path: string, format: TraceFormat, options: ReadTraceOptions): TraceReader {
  const { blockSize, tokenizer } = options;
  if (format.needsTokenizer === true && tokenizer === undefined) {
    throw new DynbenchError(
      "plan",
      `Cannot read "${path}": ${format.name} has texts, and no tokenizer was named`,
      { hint: "Name one: dynbench trace convert FILE --tokenizer MODEL_FOLDER --out trace.jsonl" },
    );
  }
  return format.reader({ blockSize, ...given({ tokenizer }) });
}

function noRows(
  path: string,
  { format = mooncakeFormat, skipped }: { format: TraceFormat | undefined; skipped: number },
): DynbenchError {
  const what = skipped === 0 ? "" : `: all ${skipped} that are there were passed over`;
  return new DynbenchError("plan", `Cannot use "${path}": there is no row in it${what}`, {
    hint: `Expected ${format.summary}`,
  });
}

function rowFault(
  path: string,
  { line, format }: { line: number; format: TraceFormat },
  fault: TraceFault,
): DynbenchError {
  const hint = fault.field.startsWith("hash_ids")
    ? "Say how many tokens an id stands for with --trace-block-size, or mend the row; --lenient passes over it"
    : `Mend the row, pass over such rows with --lenient, or name another format than ${format.name} with --trace-format`;
  return new DynbenchError("plan", `Cannot read "${path}": line ${line}: ${fault.message}`, {
    cause: fault,
    hint,
  });
}
