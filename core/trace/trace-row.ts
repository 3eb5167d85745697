/**
 * One request of a trace, in the form that every trace format is read into. A format that does
 * not record sharing has no blocks: prefix sharing is never invented.
 */

/** Longest prompt or answer of a row; ten times the longest context on sale today. */
export const MAX_ROW_TOKENS = 100_000_000;

/** Tokens per hash id in Mooncake's traces and in what Dynamo's tools write. */
export const TRACE_BLOCK_SIZE = 512;

/** Ids are below it, so that a replay has room for contents of its own. */
export const MAX_BLOCK_ID = 1_125_899_906_842_624; // 2^50

export interface TraceRow {
  /** Milliseconds since the start of the trace; left out where the format has no times. */
  readonly atMs?: number;
  /** Prompt tokens. */
  readonly isl: number;
  /** Output tokens. */
  readonly osl: number;
  /**
   * Ids of the prompt's blocks, the last of which may be partial: the same id is the same block
   * after the same history. Empty where the format does not record sharing.
   */
  readonly blocks: readonly number[];
  /** Conversation that the row is a turn of. */
  readonly session?: string;
  /** Not before this long after the end of the session's previous turn. */
  readonly delayMs?: number;
  readonly priority?: number;
}

/** Where a row stood, for messages. */
export interface TracePlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Longest part of a message that a file may fill. */
const MAX_PROBLEM = 240;

/** The beginning of what a file holds, for a message: on one line, without what would steer a terminal. */
export function shown(text: string, limit: number): string {
  const start = text.length <= limit ? text : `${text.slice(0, limit)}…`;
  return start.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\ufffd");
}

/** An invalid row: which field, what was expected, and what it holds. */
export class TraceFault extends Error {
  readonly field: string;

  constructor(field: string, problem: string) {
    super(`"${field}" ${shown(problem, MAX_PROBLEM)}`);
    this.name = "TraceFault";
    this.field = field;
  }
}
