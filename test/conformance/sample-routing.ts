/** Clusters and requests for tests of routing: as small as they can be, and the same every time. */
import type { Candidate, RouteRequest } from "../../core/contract/routing-policy.ts";
import type { WorkerRole } from "../../core/contract/request.ts";

export const BLOCK_SIZE = 64;

export function clusterOf(workers: number, role: WorkerRole = "aggregated", from = 0): Candidate[] {
  return Array.from({ length: workers }, (_, i) => ({
    index: from + i,
    workerId: `worker-${from + i}`,
    rank: 0,
    role,
  }));
}

/** A request whose blocks are numbered `blocks`; `isl` defaults to exactly those blocks. */
export function requestOf(
  id: number,
  details: { blocks: ArrayLike<number>; isl?: number; stage?: WorkerRole },
): RouteRequest {
  const blocks = Int32Array.from(details.blocks);
  return {
    id,
    blocks,
    isl: details.isl ?? blocks.length * BLOCK_SIZE,
    osl: 10,
    stage: details.stage ?? "aggregated",
    priority: 0,
    prefixHash: (tokens) => hashOf(blocks, Math.floor(tokens / BLOCK_SIZE)),
  };
}

/** `count` block ids from `first` on: what a prompt of fresh content looks like. */
export function blocksFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

function hashOf(blocks: Int32Array, count: number): number {
  // Ids cover content and history, so the last one identifies the whole prompt.
  const last = blocks[Math.min(count, blocks.length) - 1] ?? -1;
  return Math.imul(last + 1, 0x9e3779b1) >>> 0;
}
