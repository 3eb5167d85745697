/**
 * The tree of a trace's prompts: one node a block after one history, so equal ids with different
 * histories are different nodes. Nodes are numbered in order of first appearance, parents before
 * their children.
 */
import { PairIds } from "./pair-ids.ts";
import type { TraceColumns } from "../trace-columns.ts";

/** What the first block of a prompt follows. */
export const TREE_ROOT = -1;

export interface PrefixTree {
  readonly nodes: number;
  /** Rows: visits of the root. */
  readonly rows: number;
  /** By node: the node before it, `TREE_ROOT` for a first block. */
  readonly parent: Int32Array;
  /** By node: rows that pass through it or end there. */
  readonly visits: Int32Array;
  /** By row: the node where its prompt ends; `TREE_ROOT` for a row without blocks. */
  readonly end: Int32Array;
}

export function prefixTree(trace: TraceColumns): PrefixTree {
  const nodes = new PairIds(trace.distinctBlocks);
  // There are at most as many nodes as blocks; pages that are never written cost nothing.
  const parent = new Int32Array(trace.totalBlocks);
  const visits = new Int32Array(trace.totalBlocks);
  const end = new Int32Array(trace.rows);
  for (let row = 0; row < trace.rows; row += 1) {
    let at = TREE_ROOT;
    for (const block of trace.blocks(row)) {
      const node = nodes.of(at, block);
      parent[node] = at;
      visits[node]! += 1;
      at = node;
    }
    end[row] = at;
  }
  const { size } = nodes;
  return {
    nodes: size,
    rows: trace.rows,
    parent: parent.subarray(0, size),
    visits: visits.subarray(0, size),
    end,
  };
}
