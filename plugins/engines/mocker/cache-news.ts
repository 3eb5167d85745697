/**
 * Cache changes on their way to the sink.
 *
 * Changes happen when a step is scheduled; they are told when the engine would publish them. Until
 * then they wait here in order: cleared, then each sequence's evictions before what they made room for.
 */
import type { WorkerSink } from "dynbench";

type CacheSink = Pick<WorkerSink, "stored" | "removed" | "cleared">;

export class CacheNews {
  readonly #sink: CacheSink;
  #waiting: ((atNs: number) => void)[] = [];
  /** Set while changes are told as they happen: the time they carry. */
  #tellAtNs: number | undefined;

  constructor(sink: CacheSink) {
    this.#sink = sink;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  stored(parent: number, blocks: readonly number[]): void {
    this.#tell((atNs) => this.#sink.stored(parent, blocks, atNs));
  }

  removed(block: number): void {
    this.#tell((atNs) => this.#sink.removed([block], atNs));
  }

  cleared(): void {
    this.#tell((atNs) => this.#sink.cleared(atNs));
  }

  /** From here on changes wait. */
  hold(): void {
    this.#tellAtNs = undefined;
  }

  /** Tells what waits, and from here on changes at once, as of `atNs`. */
  release(atNs: number): void {
    const waiting = this.#waiting;
    if (waiting.length > 0) {
      this.#waiting = [];
      for (const tell of waiting) tell(atNs);
    }
    this.#tellAtNs = atNs;
  }

  #tell(tell: (atNs: number) => void): void {
    if (this.#tellAtNs === undefined) this.#waiting.push(tell);
    else tell(this.#tellAtNs);
  }
}
