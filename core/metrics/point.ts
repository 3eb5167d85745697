/** A point of a sweep, as a key and in words. */
import type { CellSummary } from "../contract/result.ts";

type Parameters = CellSummary["parameters"];

/** The same parameters make the same key, whatever the order of their names. */
export function pointKey(parameters: Parameters): string {
  return JSON.stringify(Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** ` at prefixRatio 0.5, concurrency 8`, for findings; empty without a sweep. */
export function atPoint(parameters: Parameters): string {
  const words = Object.entries(parameters).map(([name, value]) => `${name} ${String(value)}`);
  return words.length === 0 ? "" : ` at ${words.join(", ")}`;
}
