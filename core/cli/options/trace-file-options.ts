/** Options of every command that reads a trace file, and the reading of it. */
import { given } from "../../base/given.ts";
import * as v from "valibot";
import { readTrace, type TraceBatch } from "../../trace/read-trace.ts";
import { chosenTokenizer, openTokenizer } from "../../prompt/open-tokenizer.ts";
import type { Tokenizer } from "../../prompt/tokenizer.ts";
import type { TextTokenizer, TraceFormat } from "../../trace/trace-format.ts";
import { TraceColumns } from "../../trace/trace-columns.ts";
import { MAX_ROW_TOKENS, TRACE_BLOCK_SIZE } from "../../trace/trace-row.ts";

export const traceFileEntries = (formats: readonly TraceFormat[]) => ({
  traceBlockSize: v.pipe(
    v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_ROW_TOKENS)),
      TRACE_BLOCK_SIZE,
    ),
    v.description("Tokens that one hash id stands for"),
    v.metadata({ aliases: ["block-size"] }),
  ),
  traceFormat: v.pipe(
    v.optional(v.string(), "auto"),
    v.description(`Format of the trace: auto, ${formats.map(({ name }) => name).join(", ")}`),
    v.metadata({ aliases: ["format"] }),
  ),
  tokenizer: v.pipe(
    v.optional(v.pipe(v.string(), v.nonEmpty("must name a folder"))),
    v.description("Folder with the model's tokenizer.json, to count and split the tokens of texts"),
  ),
  lenient: v.pipe(
    v.optional(v.boolean(), false),
    v.description("Skip rows that are not valid, and count them"),
  ),
});

/** Skipped rows that are printed one by one; the others are only counted. */
const SHOWN_SKIPS = 5;

export interface TraceFileChoice {
  readonly traceBlockSize: number;
  readonly traceFormat: string;
  readonly lenient: boolean;
  readonly tokenizer?: string | undefined;
  readonly formats: readonly TraceFormat[];
}

/** The whole trace in memory; reports skipped rows on stderr. */
export async function readWhole(path: string, chosen: TraceFileChoice): Promise<TraceColumns> {
  let columns: TraceColumns | undefined;
  for await (const { blockSize, rows } of readAloud(path, chosen)) {
    columns ??= new TraceColumns(blockSize);
    for (const row of rows) columns.add(row);
  }
  return columns!; // a trace without rows is a fault of its reader
}

/** The trace in batches; reports on stderr what was skipped and left out. */
export async function* readAloud(
  path: string,
  { formats, traceBlockSize, traceFormat, lenient, tokenizer: folder }: TraceFileChoice,
): AsyncGenerator<TraceBatch> {
  let skipped = 0;
  const skip = (message: string): void => {
    skipped += 1;
    if (skipped <= SHOWN_SKIPS) say(`skipped ${message}`);
  };
  const say = (text: string): unknown => process.stderr.write(`${path}: ${text}\n`);
  const tokenizer = folder === undefined ? undefined : await tokenizerIn(folder, say);
  yield* readTrace(path, {
    formats,
    blockSize: traceBlockSize,
    format: traceFormat,
    leftOut: (reason, count) => say(`left out ${count} ${reason}`),
    ...(lenient ? { skipped: skip } : {}),
    ...given({ tokenizer }),
  });
  if (skipped > SHOWN_SKIPS) say(`skipped ${skipped} rows in all`);
}

async function tokenizerIn(folder: string, say: (text: string) => void): Promise<TextTokenizer> {
  const tokenizer = await openTokenizer(await chosenTokenizer(folder, undefined));
  const reader = {
    encode: (text: string) => tokenizer.encode(text),
    encodePart: (text: string) => tokenizer.encodePart(text),
  };
  if (hasChats(tokenizer)) {
    return { ...reader, encodeChat: (messages) => tokenizer.encodeChat(messages) };
  }
  say("this tokenizer has no chat template: chats are counted as roles and contents, line by line");
  return reader;
}

/** A chat template is a program that comes with the model, and may throw. */
function hasChats(tokenizer: Tokenizer): boolean {
  try {
    return tokenizer.chatOverhead !== undefined;
  } catch {
    return false;
  }
}
