/** What one cache as large as all workers' together would serve, where the requests come from a file. */
import type { RunResult } from "dynbench";

/** More capacities than this are a sweep of their own: all are in summary.json. */
const MAX_LINES = 8;

export function pooledBlock({ summary }: RunResult): string[] {
  const capacities = new Map(
    summary.cells.flatMap(({ cache: { pooled, idealShare } }) =>
      pooled === undefined
        ? []
        : [[`${pooled.blocks} ${pooled.minShare.toFixed(3)}`, { ...pooled, idealShare }] as const],
    ),
  );
  if (capacities.size === 0) return [];
  return [
    "Share of prompt tokens that one cache as large as all workers' together serves:",
    ...[...capacities.values()]
      .slice(0, MAX_LINES)
      .map(
        ({ blocks, lruShare, minShare, idealShare }) =>
          `  ${blocks.toLocaleString("en-US")} blocks: ${lruShare.toFixed(3)} with LRU, at most ` +
          `${minShare.toFixed(3)} (MIN); without a bound ${idealShare.toFixed(3)}`,
      ),
  ];
}
