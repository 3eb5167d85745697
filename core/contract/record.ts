/**
 * What happened to one request, and its line in `records.jsonl`.
 *
 * Times are integer nanoseconds since the start of the cell's load, on one monotonic clock. The time
 * of something that never happened is left out, never zero. Each line is complete in itself, so a file
 * that was cut off loses at most its last line.
 */
import type { RequestSpec } from "./request.ts";

export type RequestState = "ok" | "failed" | "dropped" | "aborted";

export interface RequestRecord {
  /** Cell the request belongs to: `PlannedCell.id`. */
  cell: string;
  index: number;
  phase: "warmup" | "measured";
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
 * Reads `records.jsonl`. A last line without a newline is ignored: a killed process leaves one. Throws
 * at any other broken line, with its number.
 */
export function parseRecords(text: string): RequestRecord[] {
  const records: RequestRecord[] = [];
  let start = 0;
  let lineNumber = 0;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
    lineNumber += 1;
    const line = text.slice(start, end);
    start = end + 1;
    if (line === "") continue;
    try {
      records.push(JSON.parse(line) as RequestRecord);
    } catch (cause) {
      throw new Error(`line ${lineNumber} of the records is not JSON`, { cause });
    }
  }
  return records;
}
