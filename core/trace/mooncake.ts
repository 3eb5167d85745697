/**
 * Rows of Mooncake traces (`timestamp`, `input_length`, `output_length`, `hash_ids`; FAST'25 release
 * of the Mooncake project), with what Dynamo's session traces and aiperf's `mooncake_trace` add:
 * `session_id`, `delay`, `priority`. One JSON object a line; keys that are not known are passed over.
 */
import { MAX_BLOCK_ID, MAX_ROW_TOKENS, TraceFault, type TraceRow } from "./trace-row.ts";

/** What a line holds, or a `TraceFault`. `blockSize`: tokens per hash id. */
export function parseMooncakeRow(line: string, blockSize: number): TraceRow {
  const value = objectOf(line);
  const isl = tokensOf(value, "input_length");
  const blocks = value["hash_ids"] === undefined ? [] : idsOf(value["hash_ids"]);
  const expected = Math.ceil(isl / blockSize);
  if (blocks.length > 0 && blocks.length !== expected) {
    throw new TraceFault(
      "hash_ids",
      `must have ${expected} ids, one for each ${blockSize} tokens of an input_length of ${isl}, ` +
        `and has ${blocks.length}`,
    );
  }
  const atMs = optional(value, "timestamp", timeOf);
  const delayMs = optional(value, "delay", timeOf);
  const session = optional(value, "session_id", textOf);
  const priority = optional(value, "priority", wholeOf);
  return {
    isl,
    osl: tokensOf(value, "output_length"),
    blocks,
    ...(atMs === undefined ? {} : { atMs }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(session === undefined ? {} : { session }),
    ...(priority === undefined ? {} : { priority }),
  };
}

/** The line of a row, keys in the order of the published traces. */
export function formatMooncakeRow(row: TraceRow): string {
  return JSON.stringify({
    timestamp: row.atMs,
    session_id: row.session,
    delay: row.delayMs,
    input_length: row.isl,
    output_length: row.osl,
    hash_ids: row.blocks,
    priority: row.priority,
  });
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectOf(line: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new TraceFault("line", `is not JSON: ${show(line)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new TraceFault("line", `must be a JSON object, and is ${show(value)}`);
}

function optional<T>(
  row: JsonObject,
  field: string,
  read: (value: unknown, field: string) => T,
): T | undefined {
  const value = row[field];
  return value === undefined || value === null ? undefined : read(value, field);
}

function tokensOf(row: JsonObject, field: string): number {
  const value = row[field];
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_ROW_TOKENS) {
    return value as number;
  }
  const found = value === undefined ? "is missing" : `is ${show(value)}`;
  throw new TraceFault(field, `must be a whole number from 1 to ${MAX_ROW_TOKENS}, and ${found}`);
}

function idsOf(value: unknown): readonly number[] {
  if (!Array.isArray(value))
    throw new TraceFault("hash_ids", `must be a list, and is ${show(value)}`);
  for (let i = 0; i < value.length; i += 1) {
    const id: unknown = value[i];
    if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MAX_BLOCK_ID) continue;
    throw new TraceFault(
      `hash_ids[${i}]`,
      `must be a whole number from 0 and below ${MAX_BLOCK_ID}, and is ${show(id)}`,
    );
  }
  return value as number[];
}

/** Ten years: a larger time is one in nanoseconds, or of the wrong column. */
const MAX_TIME_MS = 3.2e11;

function timeOf(value: unknown, field: string): number {
  if (typeof value === "number" && value >= 0 && value <= MAX_TIME_MS) return value;
  throw new TraceFault(
    field,
    `must be milliseconds from 0 to ${MAX_TIME_MS} since the start of the trace, and is ${show(value)}`,
  );
}

function wholeOf(value: unknown, field: string): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new TraceFault(field, `must be a whole number, and is ${show(value)}`);
}

function textOf(value: unknown, field: string): string {
  if (typeof value === "string" || Number.isSafeInteger(value)) return String(value);
  throw new TraceFault(field, `must be a text, and is ${show(value)}`);
}

/** As much of a value as says which one it is. */
function show(value: unknown): string {
  const text = typeof value === "string" ? `"${value}"` : JSON.stringify(value);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

const MAX_SHOWN = 60;
