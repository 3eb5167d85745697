/**
 * When each request in flight is given up. All have the same limit, so the order of sending is the
 * order of giving up: a queue instead of an event a request.
 */

/** Consumed entries are cut off from here on, so that a long run keeps no dead ones. */
const COMPACT_AT = 4096;

export class Timeouts {
  readonly #limitNs: number;
  readonly #wake: (atNs: number) => void;
  /** When it has asked to be woken. */
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

  /** Takes out what has ended by itself, then tells what is due. */
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
