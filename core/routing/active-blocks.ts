/**
 * Which prompt blocks the requests in flight hold on each candidate, each block counted once however
 * many requests share it.
 *
 * Block ids stand for content and history, so a request that holds block i holds all before it, and
 * what is active on a candidate is closed under prefixes. How deep a new prompt reaches into it is
 * therefore a binary search, not a walk.
 */
import { BlockMap } from "./kv/block-map.ts";

export class ActiveBlocks {
  /** Blocks active on each candidate: a column of the routing view. */
  readonly held: Int32Array;
  readonly #references: readonly BlockMap[];

  constructor(candidates: number) {
    this.held = new Int32Array(candidates);
    this.#references = Array.from({ length: candidates }, () => new BlockMap());
  }

  add(candidate: number, blocks: Int32Array): void {
    const references = this.#references[candidate]!;
    const before = references.size;
    for (let i = 0; i < blocks.length; i += 1) references.add(blocks[i]!, 1);
    this.held[candidate]! += references.size - before;
  }

  /** Undoes an `add` of the same blocks. */
  remove(candidate: number, blocks: Int32Array): void {
    const references = this.#references[candidate]!;
    const before = references.size;
    // Backwards: the map closes gaps towards higher ids, so taking the last first moves nothing.
    for (let i = blocks.length - 1; i >= 0; i -= 1) references.add(blocks[i]!, -1);
    this.held[candidate]! += references.size - before;
  }

  /** Counts blocks that are shared with nobody: a decode worker's own copies. Negative takes away. */
  addCopies(candidate: number, blocks: number): void {
    this.held[candidate]! += blocks;
  }

  /** How many of `blocks` each candidate does not hold yet. */
  missing(blocks: Int32Array, out: Int32Array): void {
    for (let candidate = 0; candidate < out.length; candidate += 1) {
      out[candidate] = blocks.length - depthOf(this.#references[candidate]!, blocks);
    }
  }

  clear(): void {
    this.held.fill(0);
    for (const references of this.#references) references.clear();
  }
}

function depthOf(references: BlockMap, blocks: Int32Array): number {
  if (blocks.length === 0 || references.get(blocks[0]!) === 0) return 0;
  let held = 1;
  let missing = blocks.length + 1;
  while (missing - held > 1) {
    const middle = (held + missing) >>> 1;
    if (references.get(blocks[middle - 1]!) === 0) missing = middle;
    else held = middle;
  }
  return held;
}
