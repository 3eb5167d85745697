/**
 * Cache changes on their way to the sink.
 *
 * Changes happen when a step is scheduled; they are told when it has run, as vLLM (0.32, seen on the
 * wire) and Dynamo's mocker (1.6.1: its router does not see a prefill that is under way) publish them.
 * Until then they wait here in order: cleared, then each sequence's evictions before what they made
 * room for.
 */
import type { WorkerSink } from "dynbench/engine";

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
    const waiting = this.#waiting;
    for (let i = 0; i < waiting.length; i += 1) {
      const change = waiting[i]!;
      if (typeof change === "number") i = this.#tellEvictions(i, atNs);
      else this.#tell(change, atNs);
    }
    waiting.length = 0;
    this.#tellAtNs = atNs;
  }

  /** Tells the evictions that stand together from `first` on as one; returns the place of the last. */
  #tellEvictions(first: number, atNs: number): number {
    const waiting = this.#waiting;
    const blocks: number[] = [];
    let at = first;
    for (; at < waiting.length && typeof waiting[at] === "number"; at += 1) {
      blocks.push(waiting[at] as number);
    }
    this.#sink.removed(blocks, atNs);
    return at - 1;
  }

  #tell(change: Change, atNs: number): void {
    if (typeof change === "number") this.#sink.removed([change], atNs);
    else if (change === "cleared") this.#sink.cleared(atNs);
    else this.#sink.stored(change.parent, change.blocks, atNs);
  }
}
