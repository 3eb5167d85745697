/**
 * A file format of traces: how its lines become rows, and rows its lines. What a format cannot express is
 * listed in `silentOn`, and never invented.
 */
import type { ChatMessage } from "../prompt/tokenizer.ts";
import type { TraceRow } from "./trace-row.ts";

export interface TraceFormat {
  /** As the user types it. */
  readonly name: string;
  /** One line: where the format comes from, and what a row of it looks like. */
  readonly summary: string;
  /** What this format cannot express. */
  readonly silentOn: readonly TraceAspect[];
  /** Its prompts are texts, which a tokenizer must count and cut into blocks. */
  readonly needsTokenizer?: boolean;
  /** Whether a file that begins with this line is of this format; the first format that recognizes it is taken. */
  recognizes(firstLine: string): boolean;
  reader(options: ReaderOptions): TraceReader;
  /** Left out where rows cannot be written in this format. */
  writer?(options: { readonly blockSize: number }): TraceWriter;
}

export type TraceAspect = "sharing" | "times" | "sessions";

export interface ReaderOptions {
  /** Tokens per hash id, where the file does not record it. */
  readonly blockSize: number;
  /** Present for formats that need one. */
  readonly tokenizer?: TextTokenizer;
}

/** Turns texts into token ids. */
export interface TextTokenizer {
  /** Of a whole prompt, with the special tokens that a server adds. */
  encode(text: string): ArrayLike<number>;
  /** Of an answer. */
  encodePart(text: string): ArrayLike<number>;
  /** Of a chat in the model's template; left out where it has none. */
  encodeChat?(messages: readonly ChatMessage[]): ArrayLike<number>;
}

/** Turns lines into rows; both methods throw a `TraceFault` for an invalid line. */
export interface TraceReader {
  /** Tokens per block of the rows that it gave. */
  readonly blockSize: number;
  /** Number of rows that are no requests, by the reason why they were left out. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** What the rows so far do not express although the format could. */
  readonly alsoSilentOn?: readonly TraceAspect[];
  push(line: string): readonly TraceRow[];
  /** Rows that need the whole file. */
  end(): readonly TraceRow[];
}

export interface TraceWriter {
  /** Lines before the first row: the head of a table. */
  readonly head?: string;
  line(row: TraceRow): string;
}
