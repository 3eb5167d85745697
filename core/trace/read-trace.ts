/**
 * The rows of a trace file, in batches, as they are read. Where each line is a row, memory stays
 * constant. The first invalid row ends the reading with a fault that names its place; with `skipped`
 * invalid rows are left out instead, and each is reported.
 */
import { given } from "../base/given.ts";
import { DynbenchError } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";
import type { TextTokenizer, TraceAspect, TraceFormat, TraceReader } from "./trace-format.ts";
import { shown, TraceFault, type TraceRow } from "./trace-row.ts";
import { readLines } from "../system/read-lines.ts";

export interface ReadTraceOptions {
  /** Formats that the file may have; the first that recognizes its first line is taken. */
  readonly formats: readonly TraceFormat[];
  /** Tokens per hash id, where the file does not record it. */
  readonly blockSize: number;
  /** A format by name; `auto` recognizes it from the first line. */
  readonly format?: string;
  /** For formats of texts. */
  readonly tokenizer?: TextTokenizer;
  /** Called for each invalid row; without it an invalid row is a fault. */
  readonly skipped?: (message: string) => void;
  /** Called at the end: what the file holds besides requests, by reason. */
  readonly leftOut?: (reason: string, count: number) => void;
  readonly signal?: AbortSignal;
}

export interface TraceBatch {
  readonly format: TraceFormat;
  /** Tokens per block of these rows. */
  readonly blockSize: number;
  readonly rows: readonly TraceRow[];
  /** What neither the format nor these rows can express. */
  readonly silentOn: readonly TraceAspect[];
}

/** Throws a `DynbenchError` that names file, line and field. */
export async function* readTrace(
  path: string,
  options: ReadTraceOptions,
): AsyncGenerator<TraceBatch> {
  const order = new RowOrder();
  let format =
    options.format === undefined ? undefined : formatNamed(options.format, options.formats);
  let reader: TraceReader | undefined;
  let rowCount = 0;
  let skipped = 0;
  let line = 0;
  /** The rows that `read` returns, if they may follow the rows before them. */
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
      format ??= recognized(path, text, options.formats);
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
  if (rowCount === 0) throw noRows(path, { format, formats: options.formats, skipped });
}

function batchOf(format: TraceFormat, reader: TraceReader, rows: readonly TraceRow[]): TraceBatch {
  const silentOn = [...new Set([...format.silentOn, ...(reader.alsoSilentOn ?? [])])];
  return { format, blockSize: reader.blockSize, rows, silentOn };
}

/** Undefined for `auto`. */
function formatNamed(name: string, formats: readonly TraceFormat[]): TraceFormat | undefined {
  if (name === "auto") return undefined;
  const format = formats.find((one) => one.name === name);
  if (format) return format;
  const names = formats.map((one) => one.name);
  const guess = didYouMean(name, names);
  throw new DynbenchError("plan", `There is no trace format "${name}"`, {
    hint: guess ? `Did you mean "${guess}"?` : `Formats: ${names.join(", ")}`,
  });
}

function recognized(path: string, line: string, formats: readonly TraceFormat[]): TraceFormat {
  const format = formats.find((one) => one.recognizes(line));
  if (format) return format;
  const what = `no known format begins with ${shown(line, MAX_SHOWN)}`;
  throw new DynbenchError("plan", `Cannot read "${path}": ${what}`, {
    hint: `Name its format with --trace-format: ${formats.map(({ name }) => name).join(", ")}`,
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
  of: {
    format: TraceFormat | undefined;
    formats: readonly TraceFormat[];
    skipped: number;
  },
): DynbenchError {
  const what = of.skipped === 0 ? "" : `: all ${of.skipped} rows were invalid and left out`;
  const expected =
    of.format?.summary ?? `a trace: ${of.formats.map(({ name }) => name).join(", ")}`;
  return new DynbenchError("plan", `Cannot use "${path}": there is no row in it${what}`, {
    hint: `Expected ${expected}`,
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

/** Checks what must hold between rows: times never go back, and all rows have one or none has. */
class RowOrder {
  #previousMs: number | undefined;
  #rows = 0;

  /** Throws a `TraceFault` when the row cannot follow those before it. */
  follow(row: TraceRow): void {
    const { atMs } = row;
    const previousMs = this.#previousMs;
    if (this.#rows > 0 && (atMs === undefined) !== (previousMs === undefined)) {
      throw new TraceFault(
        "timestamp",
        atMs === undefined
          ? "is missing, and earlier rows have one"
          : "is present, and earlier rows have none",
      );
    }
    if (atMs !== undefined && previousMs !== undefined && atMs < previousMs) {
      throw new TraceFault("timestamp", `goes back: ${atMs} ms comes after ${previousMs} ms`);
    }
    this.#previousMs = atMs;
    this.#rows += 1;
  }
}
