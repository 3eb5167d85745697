/**
 * Dense ids for pairs of a number and a block, in order of first appearance. Nearly every block of a
 * trace comes after the same block and at the same place each time, so the first partner of a block
 * is kept in a column, and only others are hashed.
 */
import { BlockTable } from "../../routing/kv/block-table.ts";

const NONE = -1;

export class PairIds {
  /** By block: its first partner, and the id of that pair. */
  readonly #partner: Int32Array;
  readonly #id: Int32Array;
  readonly #others = new BlockTable();
  /** By id in `others`: the id of the pair. */
  #otherIds: number[] = [];
  #size = 0;

  /** Blocks are 0 to `blocks` − 1. */
  constructor(blocks: number) {
    this.#partner = new Int32Array(blocks);
    this.#id = new Int32Array(blocks).fill(NONE);
  }

  get size(): number {
    return this.#size;
  }

  /** Id of the pair; the next free one if it was never seen. */
  of(partner: number, block: number): number {
    const id = this.#id[block]!;
    if (id === NONE) {
      this.#partner[block] = partner;
      this.#id[block] = this.#size;
      return this.#size++;
    }
    if (this.#partner[block] === partner) return id;
    const other = this.#others.intern(partner, block);
    if (other === this.#otherIds.length) this.#otherIds.push(this.#size++);
    return this.#otherIds[other]!;
  }
}
