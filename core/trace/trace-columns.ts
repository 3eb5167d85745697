/**
 * A whole trace in memory, as columns: what analysis and synthesis walk several times. A block costs
 * four bytes, so a million rows of Mooncake's lengths are about 100 MB.
 */
import { BlockTable } from "../routing/kv/block-table.ts";
import type { TraceRow } from "./trace-row.ts";

const FIRST_ROWS = 1024;
const FIRST_BLOCKS = 16 * FIRST_ROWS;
/** Stands for "no time" in the column of times. */
const NO_TIME = NaN;

/** What a cache that serves a trace has to know of it. */
export interface BlockRows {
  /** Tokens per block. */
  readonly blockSize: number;
  readonly rows: number;
  /** Blocks of all rows together. */
  readonly totalBlocks: number;
  /** Blocks are numbered 0 to `distinctBlocks` − 1. */
  readonly distinctBlocks: number;
  /** Prompt tokens. */
  isl(row: number): number;
  blocks(row: number): Int32Array;
}

/** What of a trace counts as a hit, where that is not every block of every row. */
export interface HitRules {
  /** Leading blocks of a row that can be one; what follows is only stored. */
  usable(row: number): number;
  /** Rows before it fill the cache and count for nothing. */
  readonly firstCounted: number;
}

/** Every block of every row can be a hit. */
export function everyBlock(rows: BlockRows): HitRules {
  return { usable: (row) => rows.blocks(row).length, firstCounted: 0 };
}

export class TraceColumns implements BlockRows {
  /** Tokens per block. */
  readonly blockSize: number;
  readonly #ids = new BlockTable();
  #rows = 0;
  #atMs = new Float64Array(FIRST_ROWS);
  #isl = new Int32Array(FIRST_ROWS);
  #osl = new Int32Array(FIRST_ROWS);
  /** Where each row's blocks begin; one more entry than rows. */
  #starts = new Float64Array(FIRST_ROWS + 1);
  #blocks = new Int32Array(FIRST_BLOCKS);
  #filled = 0;

  constructor(blockSize: number) {
    this.blockSize = blockSize;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Blocks of all rows together. */
  get totalBlocks(): number {
    return this.#filled;
  }

  /** Distinct ids: blocks are numbered 0 to `distinctBlocks` − 1, in order of first appearance. */
  get distinctBlocks(): number {
    return this.#ids.size;
  }

  add(row: TraceRow): void {
    this.#makeRoom(row.blocks.length);
    const at = this.#rows;
    this.#atMs[at] = row.atMs ?? NO_TIME;
    this.#isl[at] = row.isl;
    this.#osl[at] = row.osl;
    for (const id of row.blocks) {
      this.#blocks[this.#filled] = this.#ids.intern(Math.floor(id / 0x1_0000_0000), id >>> 0);
      this.#filled += 1;
    }
    this.#rows += 1;
    this.#starts[this.#rows] = this.#filled;
  }

  /** Milliseconds since the start of the trace; NaN where the trace has no times. */
  atMs(row: number): number {
    return this.#atMs[row]!;
  }

  isl(row: number): number {
    return this.#isl[row]!;
  }

  osl(row: number): number {
    return this.#osl[row]!;
  }

  /** A view of the row's blocks; valid until the next `add`. */
  blocks(row: number): Int32Array {
    return this.#blocks.subarray(this.#starts[row], this.#starts[row + 1]);
  }

  #makeRoom(blocks: number): void {
    if (this.#rows === this.#isl.length) {
      this.#atMs = grown(this.#atMs, new Float64Array(2 * this.#rows));
      this.#isl = grown(this.#isl, new Int32Array(2 * this.#rows));
      this.#osl = grown(this.#osl, new Int32Array(2 * this.#rows));
      this.#starts = grown(this.#starts, new Float64Array(2 * this.#rows + 1));
    }
    if (this.#filled + blocks > this.#blocks.length) {
      const capacity = Math.max(2 * this.#blocks.length, this.#filled + blocks);
      this.#blocks = grown(this.#blocks, new Int32Array(capacity));
    }
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
