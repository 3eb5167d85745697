/**
 * Calls back at an absolute time of the monotonic clock.
 *
 * Bun 1.4.5 cuts a timer's delay down to whole milliseconds, so a timer alone is up to 1 ms early or
 * late. The pacer sleeps the whole milliseconds, looks at the clock, and waits out the rest by
 * yielding to the event loop, which serves sockets meanwhile. That burns CPU, so it is rationed to
 * `AWAKE_SHARE` of the time; short rests go first, because they cost least and save most. A rest
 * beyond the ration is slept as one more millisecond.
 */
import { monotonicNs } from "./clock.ts";

/** Part of the time that may be spent awake: 100 exact deadlines a second, half of them at 400. */
const AWAKE_SHARE = 0.05;
/** Unused ration is kept up to this, worth ten rests of a full millisecond. */
const MAX_RATION_NS = 10_000_000;
/** A rest is waited out awake when it is at most this part of the ration in hand. */
const REST_SHARE = 0.1;
/** The longest delay a timer takes; farther deadlines are reached in steps. */
const MAX_DELAY_MS = 2_147_483_647;

export class Pacer {
  readonly #onDue: () => void;
  #dueNs = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  #immediate: Immediate | undefined;
  #rationNs = MAX_RATION_NS;
  #rationedAtNs = monotonicNs();

  /** `onDue` is called once for each `arm`, never before its time. */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  /** Sets the time of the next call; an earlier setting is forgotten. */
  arm(dueNs: number): void {
    if (dueNs === this.#dueNs) return;
    this.cancel();
    this.#dueNs = dueNs;
    if (Number.isFinite(dueNs)) this.#wait();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#dueNs = Number.POSITIVE_INFINITY;
  }

  readonly #wait = (): void => {
    const nowNs = monotonicNs();
    const restNs = this.#dueNs - nowNs;
    if (restNs <= 0) {
      this.#immediate = setImmediate(this.#call);
      return;
    }
    const earnedNs = (nowNs - this.#rationedAtNs) * AWAKE_SHARE;
    this.#rationedAtNs = nowNs;
    this.#rationNs = Math.min(MAX_RATION_NS, this.#rationNs + earnedNs);
    if (restNs <= this.#rationNs * REST_SHARE) {
      this.#rationNs -= restNs;
      this.#immediate = setImmediate(this.#yield);
      return;
    }
    const delayMs = Math.max(1, Math.floor(restNs / 1e6));
    this.#timer = setTimeout(this.#wait, Math.min(delayMs, MAX_DELAY_MS));
  };

  readonly #yield = (): void => {
    if (monotonicNs() < this.#dueNs) this.#immediate = setImmediate(this.#yield);
    else this.#call();
  };

  readonly #call = (): void => {
    this.#dueNs = Number.POSITIVE_INFINITY;
    this.#onDue();
  };
}

type Timer = ReturnType<typeof setTimeout>;
type Immediate = ReturnType<typeof setImmediate>;
