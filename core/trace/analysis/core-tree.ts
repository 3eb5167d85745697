/**
 * The shared part of a prefix tree, as Dynamo's `Synthesizer` learns it (benchmarks/
 * prefix_data_generator, synthesizer.py and graph_utils.py, 2026-09): nodes that one row alone
 * visits are cut off, as branches of which only the length is kept, and chains that every visitor
 * walks to the end are one node.
 */
import { TREE_ROOT, type PrefixTree } from "./prefix-tree.ts";

/** A run of blocks that all of its visitors share. */
export interface CoreNode {
  /** Number in the prefix tree of the run's last block; −1 for the root, which has no block. */
  last: number;
  /** Blocks of the run; 0 for the root. */
  blocks: number;
  readonly visits: number;
  readonly children: CoreNode[];
  /** Visitors that go on with blocks of their own. */
  leaves: number;
  /** Rows that end here. */
  readonly ends: number[];
}

export interface CoreTree {
  readonly root: CoreNode;
  /** Blocks of each branch that one row alone visits. */
  readonly leafBlocks: readonly number[];
  /** Nodes of the prefix tree that more than one row visits. */
  readonly sharedBlocks: number;
}

/** Rows visit the root. A row that ends inside a shared run splits it there. */
export function coreTree(tree: PrefixTree): CoreTree {
  const { nodes, parent, visits, end } = tree;
  const leafBlocks: number[] = [];
  const shape = shapeOf(tree, leafBlocks);
  const root = emptyNode(TREE_ROOT, { blocks: 0, visits: tree.rows });
  /** By node of the prefix tree: the run that it is in. */
  const runOf: (CoreNode | undefined)[] = Array.from({ length: nodes });
  let sharedBlocks = 0;
  for (let node = 0; node < nodes; node += 1) {
    if (visits[node] === 1) continue;
    sharedBlocks += 1;
    const before = parent[node]!;
    const above = before === TREE_ROOT ? root : runOf[before]!;
    if (above !== root && above.last === before && visits[before] === visits[node]) {
      above.last = node;
      above.blocks += 1;
      runOf[node] = above;
      continue;
    }
    const run = emptyNode(node, { blocks: 1, visits: visits[node]! });
    above.children.push(run);
    runOf[node] = run;
  }
  for (let node = TREE_ROOT; node < nodes; node += 1) {
    const leaves = shape.leaves[node + 1]!;
    if (leaves > 0) (node === TREE_ROOT ? root : runOf[node]!).leaves += leaves;
  }
  for (let row = 0; row < tree.rows; row += 1) {
    const at = end[row]!;
    if (at === TREE_ROOT) root.ends.push(row);
    else if (visits[at]! > 1) runOf[at]!.ends.push(row);
  }
  return { root, leafBlocks, sharedBlocks };
}

function emptyNode(last: number, size: { blocks: number; visits: number }): CoreNode {
  return { last, ...size, children: [], leaves: 0, ends: [] };
}

/**
 * By node + 1: how many branches leave it that one row alone visits. Their lengths are appended to
 * `leafBlocks`, in order of first appearance of their first block.
 */
function shapeOf(
  { nodes, parent, visits }: PrefixTree,
  leafBlocks: number[],
): { readonly leaves: Int32Array } {
  const leaves = new Int32Array(nodes + 1);
  /** By node: place of its branch in `leafBlocks`. */
  const branchOf = new Int32Array(nodes);
  for (let node = 0; node < nodes; node += 1) {
    if (visits[node] !== 1) continue;
    const before = parent[node]!;
    if (before !== TREE_ROOT && visits[before] === 1) {
      branchOf[node] = branchOf[before]!;
      leafBlocks[branchOf[node]!]! += 1;
    } else {
      branchOf[node] = leafBlocks.length;
      leafBlocks.push(1);
      leaves[before + 1]! += 1;
    }
  }
  return { leaves };
}
