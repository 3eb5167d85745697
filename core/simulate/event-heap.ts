/**
 * The events to come, earliest first: one binary heap over typed arrays, so that a million events
 * make no garbage. Events at the same time go by priority, then in the order they were pushed.
 */

const FIRST_CAPACITY = 1024;
/** Pushes that fit below the priority in one double: 2^49 is a year of a million a second. */
const PUSHES = 562_949_953_421_312;

export class EventHeap {
  /** The event popped last. Its kind is its priority: lower goes first. */
  timeNs = 0;
  kind = 0;
  subject = 0;

  #times = new Float64Array(FIRST_CAPACITY);
  /** kind · 2^49 + number of the push: one comparison decides between equal times. */
  #orders = new Float64Array(FIRST_CAPACITY);
  #subjects = new Int32Array(FIRST_CAPACITY);
  #size = 0;
  #pushed = 0;

  get size(): number {
    return this.#size;
  }

  /** `kind` from 0 to 15; `subject` is a 32-bit integer of the caller's. */
  push(timeNs: number, kind: number, subject: number): void {
    if (this.#size === this.#times.length) this.#grow();
    const order = kind * PUSHES + this.#pushed;
    this.#pushed += 1;
    let at = this.#size;
    this.#size += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isAfter(parent, timeNs, order)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, timeNs, order, subject);
  }

  /** Takes the first event out and shows it; false when there is none. */
  pop(): boolean {
    if (this.#size === 0) return false;
    this.timeNs = this.#times[0]!;
    this.kind = Math.floor(this.#orders[0]! / PUSHES);
    this.subject = this.#subjects[0]!;
    this.#size -= 1;
    if (this.#size > 0) this.#sinkFromTop(this.#size);
    return true;
  }

  clear(): void {
    this.#size = 0;
  }

  /** Puts the event at `last` where it belongs, below the empty top. */
  #sinkFromTop(last: number): void {
    const timeNs = this.#times[last]!;
    const order = this.#orders[last]!;
    const subject = this.#subjects[last]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      const right = child + 1;
      if (right < last && this.#isAfter(child, this.#times[right]!, this.#orders[right]!)) {
        child = right;
      }
      if (this.#isAfter(child, timeNs, order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, timeNs, order, subject);
  }

  #isAfter(at: number, timeNs: number, order: number): boolean {
    const time = this.#times[at]!;
    return time > timeNs || (time === timeNs && this.#orders[at]! > order);
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#orders[to] = this.#orders[from]!;
    this.#subjects[to] = this.#subjects[from]!;
  }

  #put(at: number, timeNs: number, order: number, subject: number): void {
    this.#times[at] = timeNs;
    this.#orders[at] = order;
    this.#subjects[at] = subject;
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    const times = new Float64Array(capacity);
    const orders = new Float64Array(capacity);
    const subjects = new Int32Array(capacity);
    times.set(this.#times);
    orders.set(this.#orders);
    subjects.set(this.#subjects);
    this.#times = times;
    this.#orders = orders;
    this.#subjects = subjects;
  }
}
