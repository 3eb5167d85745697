/**
 * The requests of a cell. Load child, simulator, plan and metrics all draw them here, so that they
 * mean the same requests: the stream depends on the cell's seed alone, and the seed on repeat and
 * parameters, not on the arm.
 */
import type { PlannedCell } from "../contract/plan.ts";
import type { Workload } from "../contract/workload.ts";
import { randomStream } from "../base/random.ts";
import type { RequestSpec } from "../contract/request.ts";
import { soundRequests } from "./sound-requests.ts";
import { tiered } from "./tiers.ts";

/** Warm-up requests first, then the measured ones. Throws, while it is read, at one that is not sound. */
export function drawRequests(
  cell: PlannedCell,
  workload: Workload,
  rows: unknown,
): Iterable<RequestSpec> | AsyncIterable<RequestSpec> {
  const { requests, warmup } = cell.load;
  const drawn = workload.requests(cell.workload.options, {
    rows,
    random: randomStream(cell.seed, "workload"),
    count: requests === undefined ? undefined : requests + warmup,
  });
  return tiered(soundRequests(drawn, cell.workload.name), cell.load, cell.seed);
}

/** What the workload's `read` gives; undefined for a workload without files. */
export async function readRows(
  cell: PlannedCell,
  workload: Workload,
  signal: AbortSignal,
): Promise<unknown> {
  return workload.read?.(cell.workload.options, signal);
}
