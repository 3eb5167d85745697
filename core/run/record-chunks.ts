/** Record lines on their way to the folder, a chunk at a time: a write for each would cost more than the simulation. */
import type { RunFolder } from "./run-folder.ts";
import { recordLine, type RequestRecord } from "../record.ts";

/** Lines are written from this length on. */
const CHUNK_CHARACTERS = 262_144;

export class RecordChunks {
  readonly #folder: RunFolder;
  #lines = "";

  constructor(folder: RunFolder) {
    this.#folder = folder;
  }

  add(record: RequestRecord): void {
    this.#lines += recordLine(record);
    if (this.#lines.length >= CHUNK_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#lines === "") return;
    this.#folder.appendRecords(this.#lines);
    this.#lines = "";
  }
}
