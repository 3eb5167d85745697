/** Readers of the fields of a foreign row: each checks one value and throws a `TraceFault` that names the field. */
import { MAX_BLOCK_ID, MAX_ROW_TOKENS, shown, TraceFault } from "./trace-row.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that a line holds. */
export function objectOf(line: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    const number = /(?<=[:[,]\s*)-?(NaN|Infinity)\b/.exec(line)?.[0];
    const why = number === undefined ? "is not JSON" : `is not JSON, which has no ${number}`;
    throw new TraceFault("line", `${why}: ${show(line)}`);
  }
  return objectIn(value, "line");
}

export function objectIn(value: unknown, field: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new TraceFault(field, `must be a JSON object, and ${found(value)}`);
}

export function listIn(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TraceFault(field, `must be a list, and ${found(value)}`);
}

/** `read` of the field where it is there and not null. */
export function optional<T>(
  row: JsonObject,
  field: string,
  read: (value: unknown, field: string) => T,
): T | undefined {
  const value = row[field];
  return value === undefined || value === null ? undefined : read(value, field);
}

/** A number of tokens: whole, at least 1. */
export function tokensIn(value: unknown, field: string): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_ROW_TOKENS) {
    return value as number;
  }
  throw new TraceFault(
    field,
    `must be a whole number from 1 to ${MAX_ROW_TOKENS}, and ${found(value)}`,
  );
}

/** Ten years: a larger time is in nanoseconds, or of another column. */
const MAX_TIME_MS = 320_000_000_000;

export function millisecondsIn(value: unknown, field: string): number {
  if (typeof value === "number" && value >= 0 && value <= MAX_TIME_MS) return value;
  throw new TraceFault(
    field,
    `must be milliseconds from 0 to ${MAX_TIME_MS} since the start of the trace, and ${found(value)}`,
  );
}

/** Seconds, also since 1970; in milliseconds. */
export function secondsIn(value: unknown, field: string): number {
  if (typeof value === "number" && value >= 0 && value <= MAX_UNIX_S) return value * 1000;
  throw new TraceFault(field, `must be seconds, and ${found(value)}`);
}

/** Milliseconds since 1970. */
export function unixMsIn(value: unknown, field: string): number {
  if (typeof value === "number" && value >= 0 && value <= MAX_UNIX_S * 1000) return value;
  throw new TraceFault(field, `must be milliseconds since 1970, and ${found(value)}`);
}

/** The year 5138: later seconds are milliseconds. */
const MAX_UNIX_S = 100_000_000_000;

/** The number in a table's cell, or its text, which no reader of numbers accepts. */
export function numberIn(cell: string): number | string {
  return /^\d+(\.\d*)?([eE][+-]?\d+)?$/.test(cell) ? Number(cell) : cell;
}

export function wholeIn(value: unknown, field: string): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new TraceFault(field, `must be a whole number, and ${found(value)}`);
}

/** A name: a text, or a whole number that stands for one. */
export function nameIn(value: unknown, field: string): string {
  if (typeof value === "string" || Number.isSafeInteger(value)) return String(value);
  throw new TraceFault(field, `must be a text, and ${found(value)}`);
}

export function textIn(value: unknown, field: string): string {
  if (typeof value === "string") return value;
  throw new TraceFault(field, `must be a text, and ${found(value)}`);
}

/** Block ids as numbers that a replay can use. */
export function idsIn(value: unknown, field: string): readonly number[] {
  const ids = listIn(value, field);
  for (let i = 0; i < ids.length; i += 1) {
    const id = ids[i];
    if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < MAX_BLOCK_ID) continue;
    throw new TraceFault(
      `${field}[${i}]`,
      `must be a whole number from 0 and below ${MAX_BLOCK_ID}, and ${found(id)}`,
    );
  }
  return ids as readonly number[];
}

/** Throws unless there is one id for each block of the prompt, the last of which may be partial. */
export function mustCover(
  blocks: readonly unknown[],
  { isl, blockSize, field }: { isl: number; blockSize: number; field: string },
): void {
  const expected = Math.ceil(isl / blockSize);
  if (blocks.length === expected) return;
  throw new TraceFault(
    field,
    `must have ${expected} ids, one for each ${blockSize} tokens of a prompt of ${isl}, ` +
      `and has ${blocks.length}`,
  );
}

/** `is missing`, or `is` and the beginning of the value. */
function found(value: unknown): string {
  return value === undefined ? "is missing" : `is ${show(value)}`;
}

const MAX_SHOWN = 60;

function show(value: unknown): string {
  return shown(typeof value === "string" ? `"${value}"` : asJson(value), MAX_SHOWN);
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "nested too deep to show"; // the parser goes deeper than the writer
  }
}
