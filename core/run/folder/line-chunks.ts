/** Lines on their way to a file, a chunk at a time: a write for each would cost more than a simulation. */

/** Lines are written from this length on. */
const CHUNK_CHARACTERS = 262_144;

export class LineChunks {
  readonly #append: (lines: string) => void;
  #lines = "";

  constructor(append: (lines: string) => void) {
    this.#append = append;
  }

  /** Takes a whole line, with its end. */
  add(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= CHUNK_CHARACTERS) this.flush();
  }

  flush(): void {
    if (this.#lines === "") return;
    this.#append(this.#lines);
    this.#lines = "";
  }
}
