/**
 * What happened to one request, and its line in `records.jsonl`.
 *
 * Times are integer nanoseconds since the start of the cell's load, on one monotonic clock. A stamp
 * that never came is left out: a failed request has no fake zeros. Lines are self-contained, so a
 * file that was cut anywhere loses at most its last line.
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
  /** Which of the target URLs it was sent to, when there are several. */
  target?: number;
  /** When it should have been sent; latencies count from here. */
  intendedNs: number;
  /** When the generator turned to it: from `intendedNs` to here is the generator's own lateness. */
  startNs?: number;
  /** When its last byte had been handed to the kernel; from `startNs` to here it connects and writes. */
  sentNs?: number;
  headersNs?: number;
  firstTokenNs?: number;
  lastTokenNs?: number;
  /** Answer complete, or the moment of failure. */
  endNs: number;
  /** Prompt tokens intended, and as the server counted them. */
  isl: number;
  promptTokens?: number;
  /** Output tokens asked for, and received. */
  oslRequested: number;
  osl: number;
  /** Prompt tokens the engine found in its cache, where it tells. */
  cachedTokens?: number;
  worker?: string;
  prefillWorker?: string;
  /** What a router of ours believed to be cached as it decided; left out where it does not look. */
  expected?: Expectation;
  /** What the router itself says of the request, where it does. */
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

/** Prompt tokens believed cached: where the request was sent, and at most on any worker that it could be sent to. */
export interface Expectation {
  tokens: number;
  bestTokens: number;
}

/** The `timing` of Dynamo's answers (`nvext`, 1.6.1), on the frontend's clock. */
export interface RoutingTiming {
  /** Part of the prompt's blocks that the router believed to be cached where it sent it, 0 to 1. */
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
  /** Coarse and stable, for grouping. */
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
  /** The server's own words where it gave any, at most 500 characters. */
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
 * Reads `records.jsonl`. A last line without its newline is what a killed process leaves and is
 * ignored; a broken line elsewhere is a fault, told with its number.
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
