/**
 * A file format of traces: how its lines become rows, and rows its lines. What a format cannot say
 * is told in `silentOn`, and never invented.
 */
import type { ChatMessage } from "../prompt/tokenizer.ts";
import type { TraceRow } from "./trace-row.ts";

export interface TraceFormat {
  /** As the user types it. */
  readonly name: string;
  /** One line: whose format it is, and what a row of it looks like. */
  readonly summary: string;
  /** What readers of the converted trace will miss. */
  readonly silentOn: readonly TraceAspect[];
  /** Its prompts are texts, which a tokenizer must count and cut into blocks. */
  readonly needsTokenizer?: boolean;
  /** Whether a file that begins with this line is of this format; the first format that says so is taken. */
  recognizes(firstLine: string): boolean;
  reader(options: ReaderOptions): TraceReader;
  /** Left out where nothing is written in this format. */
  writer?(options: { readonly blockSize: number }): TraceWriter;
}

export type TraceAspect = "sharing" | "times" | "sessions";

export interface ReaderOptions {
  /** Tokens per hash id, where the format does not say it itself. */
  readonly blockSize: number;
  /** There for formats that need one. */
  readonly tokenizer?: TextTokenizer;
}

/** What counts the tokens of texts and says which they are. */
export interface TextTokenizer {
  /** Of a whole prompt, with the special tokens that a server adds. */
  encode(text: string): ArrayLike<number>;
  /** Of an answer. */
  encodePart(text: string): ArrayLike<number>;
  /** Of a chat in the model's template; left out where it has none. */
  encodeChat?(messages: readonly ChatMessage[]): ArrayLike<number>;
}

/** Takes lines and gives rows; both methods throw a `TraceFault` for what is not as it should be. */
export interface TraceReader {
  /** Tokens per block of the rows that it gave. */
  readonly blockSize: number;
  /** Rows of the format that are no requests, by the reason why they were left out. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** What the rows so far do not say, where the format could. */
  readonly alsoSilentOn?: readonly TraceAspect[];
  push(line: string): readonly TraceRow[];
  /** What only the whole file gives. */
  end(): readonly TraceRow[];
}

export interface TraceWriter {
  /** Lines before the first row: the head of a table. */
  readonly head?: string;
  line(row: TraceRow): string;
}
