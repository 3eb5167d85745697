/** `dynbench trace convert FILE|RUN_FOLDER --to FORMAT`: writes a trace in another format. */
import * as v from "valibot";
import { statOf } from "../../system/stat-of.ts";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { optionList } from "../text/help.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { readAloud, traceFileEntries } from "../options/trace-file-options.ts";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { writeLines } from "../../system/write-lines.ts";
import { recordedTrace } from "../../run/folder/recorded-trace.ts";
import type { TraceFormat } from "../../trace/trace-format.ts";
import type { TraceRow } from "../../trace/trace-row.ts";

export const convertOptions = (formats: readonly TraceFormat[]) =>
  v.strictObject({
    ...traceFileEntries(formats),
    to: v.pipe(
      v.optional(v.picklist(written(formats)), "mooncake"),
      v.description("Format to write"),
    ),
    cell: v.pipe(
      v.optional(v.string()),
      v.description("Of a run folder: the cell to convert, where there are several"),
    ),
    out: v.pipe(
      v.optional(v.string(), "-"),
      v.description("File to write; packed if its name ends in .gz or .zst; - is standard output"),
      v.metadata({ aliases: ["output-file"] }),
    ),
  });

type Choice = v.InferOutput<ReturnType<typeof convertOptions>> & {
  readonly formats: readonly TraceFormat[];
};

/** Names of the formats that can be written. */
function written(formats: readonly TraceFormat[]): string[] {
  return formats.filter(({ writer }) => writer !== undefined).map(({ name }) => name);
}

export async function traceConvert(line: CommandLine, environment: Environment): Promise<number> {
  const { traceFormats: formats } = environment;
  const schema = convertOptions(formats);
  if (line.wantsHelp) {
    const lines = formats.map(({ name, summary }) => `  ${name.padEnd(10)}${summary}`);
    process.stdout.write(
      "Usage: dynbench trace convert FILE [--to FORMAT] [--out FILE] [options]\n" +
        "       dynbench trace convert RUN_FOLDER [--cell CELL] [options]\n\n" +
        "Writes the rows of a trace in another format, as they are read. From a run folder, writes the\n" +
        "requests of a cell as they were sent, to replay them. What a format cannot hold is left out\n" +
        `and reported.\n\nFormats:\n${lines.join("\n")}\n\n${optionList(schema)}`,
    );
    return EXIT_CODES.ok.code;
  }
  const { chosen: own, words } = readOwnOptions("trace convert", schema, line);
  const chosen = { ...own, formats };
  const [path, ...more] = words;
  if (path === undefined || more.length > 0) {
    throw new DynbenchError("plan", "Cannot convert: expected one trace file or run folder", {
      hint: "dynbench trace convert azure.csv --out trace.jsonl",
    });
  }
  const target = formats.find(({ name }) => name === chosen.to)!;
  const isFolder = statOf(path)?.isDirectory() ?? false;
  const batches = isFolder ? runBatches(path, chosen, environment) : fileBatches(path, chosen);
  await writeLines(chosen.out, convertedLines(batches, target));
  return EXIT_CODES.ok.code;
}

/** Rows, and the format that they were read from. */
interface SourceBatch {
  readonly source: Pick<TraceFormat, "name" | "silentOn">;
  readonly blockSize: number;
  readonly rows: readonly TraceRow[];
}

async function* fileBatches(path: string, chosen: Choice): AsyncGenerator<SourceBatch> {
  for await (const { format, silentOn, ...batch } of readAloud(path, chosen)) {
    yield { source: { name: format.name, silentOn }, ...batch };
  }
}

async function* runBatches(
  path: string,
  { cell, traceBlockSize: blockSize }: Choice,
  { plugins }: Environment,
): AsyncGenerator<SourceBatch> {
  const rows = await recordedTrace(path, { cell, blockSize, plugins });
  yield { source: { name: "a run", silentOn: [] }, blockSize, rows };
}

async function* convertedLines(
  batches: AsyncIterable<SourceBatch>,
  target: TraceFormat,
): AsyncGenerator<string> {
  let rowCount = 0;
  let last: SourceBatch | undefined;
  let writer: ReturnType<NonNullable<TraceFormat["writer"]>> | undefined;
  for await (const batch of batches) {
    last = batch;
    if (writer === undefined) {
      writer = target.writer!({ blockSize: batch.blockSize });
      if (writer.head !== undefined) yield writer.head;
    }
    for (const row of batch.rows) yield writer.line(row);
    rowCount += batch.rows.length;
  }
  process.stderr.write(conversionText(rowCount, last!, target));
}

/** What was written, and what is missing in it: not in the source, or not possible in the new format. */
function conversionText(
  rows: number,
  { source, blockSize }: SourceBatch,
  target: TraceFormat,
): string {
  const isShared = [source, target].every(({ silentOn }) => !silentOn.includes("sharing"));
  const missing = source.silentOn.join(" and ");
  const dropped = target.silentOn
    .filter((aspect) => !source.silentOn.includes(aspect))
    .join(" and ");
  return [
    `${rows} rows of ${source.name} as ${target.name}${isShared ? `, ${blockSize} tokens to a hash id` : ""}`,
    ...(missing === "" ? [] : [`${source.name} does not record ${missing}: the rows have none`]),
    ...(dropped === "" ? [] : [`${target.name} cannot hold ${dropped}: left out`]),
    "",
  ].join("\n");
}
