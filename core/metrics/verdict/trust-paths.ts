/**
 * Trust check of a run: is the way to all routers equally long? A delay before one of them is part of
 * its latencies and says nothing about how it routes.
 */
import type { CellSummary, Finding } from "../../contract/result.ts";

/** What routers that pass the question on to a worker take more than those that answer it themselves. */
const LONGER_MS = 2;
/** With a larger part of the shortest TTFT the comparison is one of ways. */
const TTFT_SHARE = 0.05;

/** A finding for each arm that is farther away than the nearest. */
export function longerPaths(cells: readonly CellSummary[]): Finding[] {
  const arms = [...Map.groupBy(cells, ({ arm }) => arm)].flatMap(([arm, of]) => {
    const pathMs = Math.min(...of.map(({ client }) => client.pathMs ?? Infinity));
    const ttftMs = Math.min(...of.map(({ metrics }) => metrics.ttftMs?.mean ?? Infinity));
    return pathMs === Infinity ? [] : [{ arm, pathMs, ttftMs }];
  });
  const [nearest, ...others] = arms.toSorted((a, b) => a.pathMs - b.pathMs);
  if (nearest === undefined) return [];
  const ttftMs = Math.min(...arms.map((each) => each.ttftMs));
  return others
    .map((each) => ({ ...each, moreMs: each.pathMs - nearest.pathMs }))
    .filter(({ moreMs }) => moreMs >= LONGER_MS)
    .map(({ arm, pathMs, moreMs }) => ({
      id: "path-longer",
      severity: moreMs > TTFT_SHARE * ttftMs ? "untrusted" : "note",
      message:
        `The way to "${arm}" is longer: ${pathMs.toFixed(1)} ms for a question that needs no engine, ` +
        `${nearest.pathMs.toFixed(1)} ms to "${nearest.arm}"; the ${moreMs.toFixed(1)} ms are part of its TTFT (shortest mean ${ttftMs.toFixed(1)} ms)`,
      hint: "Put all routers equally near to the load, without a proxy before one of them",
    }));
}
