/**
 * When each request in flight is given up. All have the same limit, so the order of sending is the
 * order of giving up: a queue instead of an event a request.
 */

/** So many consumed entries are cut off at once, so that a long run keeps few of them. */
const COMPACT_AT = 4096;

export class Timeouts {
  readonly #limitNs: number;
  readonly #wake: (atNs: number) => void;
  /** When `wake` was last asked for; Infinity when not at all. */
  #wakeNs = Infinity;
  #ids: number[] = [];
  #deadlinesNs: number[] = [];
  #head = 0;

  /** `wake`: `takeDue` is to be called at that time. */
  constructor(limitNs: number, wake: (atNs: number) => void) {
    this.#limitNs = limitNs;
    this.#wake = wake;
  }

  /** Deadline of the request sent first; Infinity when there is none. */
  get nextNs(): number {
    return this.#deadlinesNs[this.#head] ?? Infinity;
  }

  sent(id: number, nowNs: number): void {
    this.#ids.push(id);
    this.#deadlinesNs.push(nowNs + this.#limitNs);
    this.#arm();
  }

  /** Requests whose time is up. Drops those that have ended by themselves. */
  takeDue(nowNs: number, isInFlight: (id: number) => boolean): number[] {
    this.#wakeNs = Infinity;
    const due: number[] = [];
    for (; this.#head < this.#ids.length; this.#head += 1) {
      const id = this.#ids[this.#head]!;
      if (!isInFlight(id)) continue;
      if (this.#deadlinesNs[this.#head]! > nowNs) break;
      due.push(id);
    }
    if (this.#head >= COMPACT_AT) {
      this.#ids = this.#ids.slice(this.#head);
      this.#deadlinesNs = this.#deadlinesNs.slice(this.#head);
      this.#head = 0;
    }
    this.#arm();
    return due;
  }

  #arm(): void {
    if (this.nextNs >= this.#wakeNs) return;
    this.#wakeNs = this.nextNs;
    this.#wake(this.nextNs);
  }
}
