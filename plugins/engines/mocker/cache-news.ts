/**
 * Cache changes on their way to the sink.
 *
 * Changes happen when a step is scheduled; they are told when the engine would publish them. Until
 * then they wait here in order: cleared, then each sequence's evictions before what they made room for.
 */
import type { WorkerSink } from "dynbench";

/** A number is an evicted block: most changes are evictions, so they are kept small. */
type Change = number | { readonly parent: number; readonly blocks: readonly number[] } | "cleared";

export class CacheNews {
  readonly #sink: Pick<WorkerSink, "stored" | "removed" | "cleared">;
  readonly #waiting: Change[] = [];
  /** Set while changes are told as they happen: the time they carry. */
  #tellAtNs: number | undefined;

  constructor(sink: Pick<WorkerSink, "stored" | "removed" | "cleared">) {
    this.#sink = sink;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Tells a change now or keeps it until `release`. */
  add(change: Change): void {
    if (this.#tellAtNs === undefined) this.#waiting.push(change);
    else this.#tell(change, this.#tellAtNs);
  }

  /** From here on changes wait. */
  hold(): void {
    this.#tellAtNs = undefined;
  }

  /** Tells what waits, and from here on changes at once, as of `atNs`. */
  release(atNs: number): void {
    for (const change of this.#waiting) this.#tell(change, atNs);
    this.#waiting.length = 0;
    this.#tellAtNs = atNs;
  }

  #tell(change: Change, atNs: number): void {
    if (typeof change === "number") this.#sink.removed([change], atNs);
    else if (change === "cleared") this.#sink.cleared(atNs);
    else this.#sink.stored(change.parent, change.blocks, atNs);
  }
}
