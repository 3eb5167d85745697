/**
 * Requests in flight per worker over a cell's time: the mean number within each of at most
 * `IN_FLIGHT_BINS` equal bins, which is exact however short the requests are.
 */
import type { Occupancy } from "./cell-tally.ts";
import type { CellSeries } from "./result.ts";

/** As many columns as a heat map of usual width can show. */
export const IN_FLIGHT_BINS = 240;

const NS_PER_S = 1e9;

/** `timeS` are the bins' starts, counted from the start of the load, warm-up included. */
export function inFlightSeries(
  occupancy: ReadonlyMap<string, Occupancy>,
  workerIds: readonly string[],
): CellSeries["inFlight"] {
  const endNs = [...occupancy.values()].reduce(
    (last, column) => column.endNs.reduce((a, b) => Math.max(a, b), last),
    0,
  );
  if (endNs <= 0) return { timeS: [], workers: workerIds.map((id) => ({ id, count: [] })) };
  const binNs = endNs / IN_FLIGHT_BINS;
  return {
    timeS: Array.from({ length: IN_FLIGHT_BINS }, (_, bin) => (bin * binNs) / NS_PER_S),
    workers: workerIds.map((id) => ({ id, count: meanCounts(occupancy.get(id), binNs) })),
  };
}

function meanCounts(column: Occupancy | undefined, binNs: number): number[] {
  const counts = new Array<number>(IN_FLIGHT_BINS).fill(0);
  for (let i = 0; i < (column?.startNs.length ?? 0); i += 1) {
    // In bins, from the start of the load; what was sent before it begins there.
    const start = Math.max(0, column!.startNs[i]! / binNs);
    const end = Math.min(IN_FLIGHT_BINS, column!.endNs[i]! / binNs);
    for (let bin = Math.floor(start); bin < end; bin += 1) {
      counts[bin]! += Math.min(end, bin + 1) - Math.max(start, bin);
    }
  }
  return counts;
}
