/**
 * The lines of a cell that is simulated beside others. They stay in files of their own, beside those
 * of the run, until the cells before it have theirs: lines of a run are in the plan's order.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { guardWrite, type RunFolder } from "./run-folder.ts";

const KINDS = ["records", "decisions"] as const;
const PIECE_BYTES = 1 << 20;
const PART = /^(records|decisions)\.jsonl\.\d+\.part$/;

export class CellPart {
  readonly #runDir: string;
  readonly #index: number;

  /** `index` of the cell in the plan. */
  constructor(runDir: string, index: number) {
    this.#runDir = runDir;
    this.#index = index;
  }

  appendRecords(lines: string): void {
    this.#append("records", lines);
  }

  appendDecisions(lines: string): void {
    this.#append("decisions", lines);
  }

  #append(kind: (typeof KINDS)[number], lines: string): void {
    const path = partPath(this.#runDir, kind, this.#index);
    guardWrite(path, this.#runDir, () => appendFileSync(path, lines));
  }
}

/** Moves a cell's lines to those of the run. */
export function takePart(folder: RunFolder, index: number): void {
  for (const kind of KINDS) {
    const path = partPath(folder.path, kind, index);
    if (!existsSync(path)) continue;
    const file = openSync(path, "r");
    try {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      for (let length = readSync(file, piece); length > 0; length = readSync(file, piece)) {
        const lines = piece.subarray(0, length);
        if (kind === "records") folder.appendRecords(lines);
        else folder.appendDecisions(lines);
      }
    } finally {
      closeSync(file);
    }
    rmSync(path);
  }
}

/** Removes lines of cells whose turn never came. */
export function dropParts(runDir: string): void {
  for (const name of readdirSync(runDir)) {
    if (PART.test(name)) rmSync(join(runDir, name), { force: true });
  }
}

function partPath(runDir: string, kind: (typeof KINDS)[number], index: number): string {
  return join(runDir, `${kind}.jsonl.${index}.part`);
}
