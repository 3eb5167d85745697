/**
 * Requests in flight over a cell's time, per worker and in total: the mean number within each of
 * `IN_FLIGHT_BINS` equal bins, which is exact however short the requests are.
 */
import type { CellTally, Occupancy } from "./cell-tally.ts";
import type { CellSeries } from "../../contract/result.ts";

/** As many columns as a heat map of usual width can show. */
export const IN_FLIGHT_BINS = 240;

const NS_PER_S = 1e9;

/**
 * A cell's result with its series. Those of a small cell are computed when they are asked for, since
 * the columns they come from are smaller: thousands of cells are kept until the end of a run.
 */
export function withSeries<T extends object>(
  result: T,
  { occupancy, open, waiting }: Pick<CellTally, "occupancy" | "open" | "waiting">,
  workerIds: readonly string[],
): T & { series: CellSeries } {
  const columns = { occupancy, open, waiting };
  if (open.startNs.length > IN_FLIGHT_BINS) {
    return { ...result, series: cellSeries(columns, workerIds) };
  }
  return {
    ...result,
    get series() {
      return cellSeries(columns, workerIds);
    },
  };
}

/** `timeS` are the bins' starts, counted from the start of the load, warm-up included. */
export function cellSeries(
  tally: Pick<CellTally, "occupancy" | "open" | "waiting">,
  workerIds: readonly string[],
): CellSeries {
  const { occupancy, open, waiting } = tally;
  const endNs = [...occupancy.values(), open].reduce(
    (last, column) => column.endNs.reduce((a, b) => Math.max(a, b), last),
    0,
  );
  const binNs = endNs / IN_FLIGHT_BINS;
  const bins = endNs > 0 ? IN_FLIGHT_BINS : 0;
  const counts = (column: Occupancy | undefined): number[] =>
    bins === 0 ? [] : meanCounts(column, binNs);
  return {
    inFlight: {
      timeS: Array.from({ length: bins }, (_, bin) => (bin * binNs) / NS_PER_S),
      workers: workerIds.map((id) => ({ id, count: counts(occupancy.get(id)) })),
    },
    open: { all: counts(open), waiting: counts(waiting) },
  };
}

function meanCounts(column: Occupancy | undefined, binNs: number): number[] {
  const counts = new Array<number>(IN_FLIGHT_BINS).fill(0);
  for (let i = 0; i < (column?.startNs.length ?? 0); i += 1) {
    // In bins from the start of the load; a request sent before that counts from bin 0.
    const start = Math.max(0, column!.startNs[i]! / binNs);
    const end = Math.min(IN_FLIGHT_BINS, column!.endNs[i]! / binNs);
    for (let bin = Math.floor(start); bin < end; bin += 1) {
      counts[bin]! += Math.min(end, bin + 1) - Math.max(start, bin);
    }
  }
  return counts;
}
