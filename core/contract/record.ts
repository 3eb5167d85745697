/**
 * What happened to one request, and its line in `records.jsonl`.
 *
 * Times are integer nanoseconds since the start of the cell's load, on one monotonic clock. The time
 * of something that never happened is left out, never zero. Each line is complete in itself, so a file
 * that was cut off loses at most its last line.
 */
import { messageOf } from "../base/errors.ts";
import type { RequestSpec } from "./request.ts";

export type RequestState = "ok" | "failed" | "dropped" | "aborted";

export interface RequestRecord {
  /** Cell the request belongs to: `PlannedCell.id`. */
  cell: string;
  index: number;
  /** Only measured requests count. `settling`: sent after a start, until latency stood still. */
  phase: "settling" | "warmup" | "measured";
  state: RequestState;
  session?: string;
  group?: number;
  tier?: string;
  /** Index of the target URL to which it was sent, if there are several. */
  target?: number;
  /** When it should have been sent; latencies count from here. */
  intendedNs: number;
  /** When the generator started to send it; `startNs − intendedNs` is the generator's lateness. */
  startNs?: number;
  /** When its last byte had been handed to the kernel; between `startNs` and here it connects and writes. */
  sentNs?: number;
  headersNs?: number;
  /** Its first chunk, where that had no content: an empty or blank text. */
  firstChunkNs?: number;
  /** The first chunk with content. */
  firstTokenNs?: number;
  lastTokenNs?: number;
  /** Answer complete, or the moment of failure. */
  endNs: number;
  /** Prompt tokens: planned, and as counted by the server. */
  isl: number;
  promptTokens?: number;
  /** Output tokens: requested, and received. */
  oslRequested: number;
  osl: number;
  /** Prompt tokens that the engine found in its cache, if it reports them. */
  cachedTokens?: number;
  /** The first count that the server reported and that cannot be: `usage.completion_tokens is -3`. It is left out. */
  usageFault?: string;
  /** Bytes of the answer's text, where the server counted more tokens than chunks came. */
  textBytes?: number;
  worker?: string;
  prefillWorker?: string;
  /** What a built-in router expected to be cached when it decided; left out if its policy does not use the cache. */
  expected?: Expectation;
  /** Timing that the router itself reported for the request, if any. */
  routing?: RoutingTiming;
  /** HTTP status, when there was one. */
  status?: number;
  error?: RequestError;
  /**
   * Gaps between chunks that carried tokens, from the first token on, and the tokens each chunk
   * after the first carried. `tokens` is left out where every chunk carried one; `firstTokens` is
   * how many the first chunk carried, if not one.
   */
  gapsNs?: number[];
  tokens?: number[];
  firstTokens?: number;
}

/** Prompt tokens expected to be cached: on the chosen worker, and on the eligible worker that has the most. */
export interface Expectation {
  tokens: number;
  bestTokens: number;
}

/** The `timing` of Dynamo's answers (`nvext`, 1.6.1), on the frontend's clock. */
export interface RoutingTiming {
  /** Share of the prompt's blocks that the router expected to be cached on the chosen worker, 0 to 1. */
  kvHitRate?: number;
  /** Requests in the router's queue. */
  queueDepth?: number;
  prefillWaitMs?: number;
  prefillMs?: number;
  ttftMs?: number;
  totalMs?: number;
  kvTransferMs?: number;
}

export interface RequestError {
  /** One of a few stable kinds, for grouping. */
  kind:
    | "connect"
    | "status"
    | "stream"
    | "error-frame"
    | "timeout"
    | "malformed"
    | "disconnected"
    | "aborted"
    | "other";
  /** The server's message if it sent one; at most 500 characters. */
  message: string;
}

/** The part of a record that is known before anything is sent. */
export function plannedRecord(
  cell: string,
  spec: RequestSpec,
  phase: RequestRecord["phase"],
  intendedNs: number,
): RequestRecord {
  return {
    cell,
    index: spec.index,
    phase,
    state: "aborted",
    // Written out, because this runs once for each request that is sent.
    ...(spec.session === undefined ? {} : { session: spec.session }),
    ...(spec.group === undefined ? {} : { group: spec.group }),
    ...(spec.tier === undefined ? {} : { tier: spec.tier }),
    intendedNs,
    endNs: intendedNs,
    isl: spec.isl,
    oslRequested: spec.osl,
    osl: 0,
  };
}

export function recordLine(record: RequestRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/**
 * Reads whole lines of `records.jsonl`, of which the first has the number `firstLine`. A last line
 * without a newline is ignored: a killed process leaves one. Throws at any other broken line, with
 * its number.
 */
export function parseRecords(text: string, firstLine = 1): RequestRecord[] {
  const records: RequestRecord[] = [];
  let start = 0;
  let lineNumber = firstLine - 1;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
    lineNumber += 1;
    const line = text.slice(start, end);
    start = end + 1;
    if (line === "") continue;
    try {
      records.push(parseRecord(line));
    } catch (cause) {
      const fault =
        cause instanceof SyntaxError ? "is not JSON" : `is no record: ${messageOf(cause)}`;
      throw new Error(`line ${lineNumber} of the records ${fault}`, { cause });
    }
  }
  return records;
}

/** One line, without its end. Throws where it is not JSON or no record. */
export function parseRecord(line: string): RequestRecord {
  const value: unknown = JSON.parse(line);
  const fault = recordFault(value);
  if (fault !== undefined) throw new Error(fault);
  return value as RequestRecord;
}

const REQUIRED_NUMBERS = ["index", "intendedNs", "endNs", "isl", "oslRequested", "osl"] as const;
const NUMBERS = [
  ...([
    "group",
    "target",
    "startNs",
    "sentNs",
    "headersNs",
    "firstChunkNs",
    "firstTokenNs",
    "lastTokenNs",
  ] as const),
  ...(["promptTokens", "cachedTokens", "status", "firstTokens", "textBytes"] as const),
] as const;
const STRINGS = ["session", "tier", "worker", "prefillWorker", "usageFault"] as const;
const NUMBER_LISTS = ["gapsNs", "tokens"] as const;
const PHASES: ReadonlySet<unknown> = new Set(["settling", "warmup", "measured"]);
const STATES: ReadonlySet<unknown> = new Set(["ok", "failed", "dropped", "aborted"]);

/**
 * Why a value is no record: `endNs: expected a number, received "x"`; undefined for a record. Written
 * out because a load writes up to 20,000 lines a second: this takes .1 µs and another .1 µs for 200
 * gaps, a valibot schema 1.4 and 3 µs.
 */
function recordFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return unlike("record", "an object", value);
  const record = value as Readonly<Record<string, unknown>>;
  const { cell, phase, state } = record;
  if (typeof cell !== "string") return unlike("cell", "a string", cell);
  if (!PHASES.has(phase)) return unlike("phase", '"settling", "warmup" or "measured"', phase);
  if (!STATES.has(state)) return unlike("state", '"ok", "failed", "dropped" or "aborted"', state);
  for (const key of REQUIRED_NUMBERS) {
    if (typeof record[key] !== "number") return unlike(key, "a number", record[key]);
  }
  for (const key of NUMBERS) {
    const field = record[key];
    if (field !== undefined && typeof field !== "number") return unlike(key, "a number", field);
  }
  for (const key of STRINGS) {
    const field = record[key];
    if (field !== undefined && typeof field !== "string") return unlike(key, "a string", field);
  }
  for (const key of NUMBER_LISTS) {
    const field = record[key];
    if (field !== undefined && !isNumbers(field)) return unlike(key, "a list of numbers", field);
  }
  return partFault(record);
}

/** The fields that are objects; most records have none or one. */
function partFault({ error, expected, routing }: Partial<RequestRecord>): string | undefined {
  const isError = typeof error?.kind === "string" && typeof error.message === "string";
  if (error !== undefined && !isError) return unlike("error", "a kind and a message", error);
  const isExpectation =
    typeof expected?.tokens === "number" && typeof expected.bestTokens === "number";
  if (expected !== undefined && !isExpectation) return unlike("expected", "two numbers", expected);
  if (routing === undefined || (typeof routing === "object" && routing !== null)) return undefined;
  return unlike("routing", "an object", routing);
}

function isNumbers(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  for (let i = 0; i < value.length; i += 1) if (typeof value[i] !== "number") return false;
  return true;
}

/** A received value is shown as far as a line can hold it. */
function unlike(key: string, expected: string, received: unknown): string {
  const shown = received === undefined ? "nothing" : JSON.stringify(received).slice(0, 60);
  return `${key}: expected ${expected}, received ${shown}`;
}
