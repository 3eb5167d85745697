/**
 * What a synthesizer has to know of a trace: the tree of what is shared, and samples of everything
 * else. After Dynamo's `Synthesizer` (benchmarks/prefix_data_generator, synthesizer.py and
 * sampler.py, 2026-09).
 */
import { DynbenchError } from "../../base/errors.ts";
import { coreTree, type CoreNode } from "../analysis/core-tree.ts";
import { prefixTree } from "../analysis/prefix-tree.ts";
import type { TraceColumns } from "../trace-columns.ts";

export interface TraceModel {
  /** Tokens per block. */
  readonly blockSize: number;
  readonly root: CoreNode;
  /** Blocks of the trace's prefix tree: ids from here on are free. */
  readonly treeBlocks: number;
  /** Blocks of the branches that one row alone had. */
  readonly leafBlocks: readonly number[];
  /** By row: tokens in its last block, 1 to `blockSize`. */
  readonly lastBlockTokens: Int32Array;
  readonly osl: Int32Array;
  /** How many rows came at the same time, one entry for each time; empty without times. */
  readonly rowsAtOnce: readonly number[];
  /** Milliseconds between different times that follow each other. */
  readonly gapsMs: readonly number[];
}

/** Throws where there is nothing to learn from; `file` is where the trace was read. */
export function learnTrace(trace: TraceColumns, file: string): TraceModel {
  if (trace.rows < 2 || trace.totalBlocks === 0) {
    const found =
      trace.rows < 2
        ? `it has ${trace.rows === 1 ? "one row" : "no row"}`
        : "its rows have no hash_ids";
    throw new DynbenchError("plan", `Cannot learn from "${file}": ${found}`, {
      hint: "Synthesis needs two rows or more with hash ids of their blocks",
    });
  }
  const tree = prefixTree(trace);
  const { root, leafBlocks } = coreTree(tree);
  const lastBlockTokens = new Int32Array(trace.rows);
  const osl = new Int32Array(trace.rows);
  for (let row = 0; row < trace.rows; row += 1) {
    const blocks = trace.blocks(row).length;
    lastBlockTokens[row] = trace.isl(row) - (blocks - 1) * trace.blockSize;
    osl[row] = trace.osl(row);
  }
  return {
    blockSize: trace.blockSize,
    root,
    treeBlocks: tree.nodes,
    leafBlocks,
    lastBlockTokens,
    osl,
    ...arrivalsOf(trace),
  };
}

function arrivalsOf(trace: TraceColumns): Pick<TraceModel, "rowsAtOnce" | "gapsMs"> {
  const rowsAtOnce: number[] = [];
  const gapsMs: number[] = [];
  let since = NaN;
  for (let row = 0; row < trace.rows; row += 1) {
    const atMs = trace.atMs(row);
    if (Number.isNaN(atMs)) return { rowsAtOnce: [], gapsMs: [] };
    if (atMs === since) rowsAtOnce[rowsAtOnce.length - 1]! += 1;
    else {
      if (row > 0) gapsMs.push(atMs - since);
      rowsAtOnce.push(1);
      since = atMs;
    }
  }
  return { rowsAtOnce, gapsMs };
}
