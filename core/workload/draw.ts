/**
 * The requests of a cell. Load process, simulator, plan and metrics all draw them here and get the same
 * requests: the random stream depends only on the cell's seed, and the seed on repeat and parameters,
 * not on the arm.
 */
import type { PlannedCell } from "../contract/plan.ts";
import type { Workload } from "../contract/workload.ts";
import { randomStream } from "../base/random.ts";
import type { Requests } from "./requests.ts";
import { soundRequests } from "./sound-requests.ts";
import { tiered } from "./tiers.ts";

/** Warm-up requests first, then the measured ones. Iterating throws at a request that no server can be sent. */
export function drawRequests(cell: PlannedCell, workload: Workload, rows: unknown): Requests {
  const { requests, warmup } = cell.load;
  const drawn = workload.requests(cell.workload.options, {
    rows,
    random: randomStream(cell.seed, "workload"),
    count: requests === undefined ? undefined : requests + warmup,
  });
  return tiered(soundRequests(drawn, cell.workload.name), cell.load, cell.seed);
}

/** The result of the workload's `read`; undefined for a workload without files. */
export async function readRows(
  cell: PlannedCell,
  workload: Workload,
  signal: AbortSignal,
): Promise<unknown> {
  return workload.read?.(cell.workload.options, signal);
}
