/**
 * Cache changes on their way to the sink.
 *
 * Changes happen when a step is scheduled; they are reported when it has run, as vLLM (0.32, seen on
 * the wire) and Dynamo's mocker (1.6.1: its router does not see a prefill that is under way) publish them.
 * Until then they wait here in order: cleared, then each sequence's evictions before what they made
 * room for.
 */
import type { WorkerSink } from "dynbench/engine";

/** A number is an evicted block: most changes are evictions, and a number takes the least memory. */
type Change = number | { readonly parent: number; readonly blocks: readonly number[] } | "cleared";

export class CacheChanges {
  readonly #sink: Pick<WorkerSink, "stored" | "removed" | "cleared">;
  readonly #waiting: Change[] = [];
  /** Set while changes are reported as they happen: the time that they carry. */
  #reportAtNs: number | undefined;

  constructor(sink: Pick<WorkerSink, "stored" | "removed" | "cleared">) {
    this.#sink = sink;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Reports a change now or keeps it until `release`. */
  add(change: Change): void {
    if (this.#reportAtNs === undefined) this.#waiting.push(change);
    else this.#report(change, this.#reportAtNs);
  }

  /** From here on changes wait. */
  hold(): void {
    this.#reportAtNs = undefined;
  }

  /** Reports the changes that wait, and from here on each change at once, with the time `atNs`. */
  release(atNs: number): void {
    const waiting = this.#waiting;
    for (let i = 0; i < waiting.length; i += 1) {
      const change = waiting[i]!;
      if (typeof change === "number") i = this.#reportEvictions(i, atNs);
      else this.#report(change, atNs);
    }
    waiting.length = 0;
    this.#reportAtNs = atNs;
  }

  /** Reports consecutive evictions from `first` on as one; returns the place of the last. */
  #reportEvictions(first: number, atNs: number): number {
    const waiting = this.#waiting;
    const blocks: number[] = [];
    let at = first;
    for (; at < waiting.length && typeof waiting[at] === "number"; at += 1) {
      blocks.push(waiting[at] as number);
    }
    this.#sink.removed(blocks, atNs);
    return at - 1;
  }

  #report(change: Change, atNs: number): void {
    if (typeof change === "number") this.#sink.removed([change], atNs);
    else if (change === "cleared") this.#sink.cleared(atNs);
    else this.#sink.stored(change.parent, change.blocks, atNs);
  }
}
