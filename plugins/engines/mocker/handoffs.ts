/**
 * A worker's requests between prefill and decode: those whose KV is on its way in, and those whose
 * blocks are kept until a decode worker has read them.
 *
 * As vLLM does with its NIXL connector (0.31, `v1/core/sched/scheduler.py`): a request that is to
 * receive takes blocks for its whole prompt when it is admitted, holds no seat while it waits, and is
 * looked at again before the queue. Each transfer has the link to itself, as in Dynamo's mocker.
 */
import { Fifo } from "./fifo.ts";
import type { Sequence } from "./sequence.ts";

/** How long a transfer takes. */
export interface TransferTiming {
  /** From the request for the blocks to the first byte. */
  readonly latencyNs: number;
  readonly perBlockNs: number;
}

export class Handoffs {
  /** Requests whose KV has arrived; first come, first seated. */
  readonly arrived = new Fifo<Sequence>();
  readonly #timing: TransferTiming;
  /** In the order of their admission. */
  readonly #coming: Transfer[] = [];
  readonly #kept = new Map<number, Sequence>();

  constructor(timing: TransferTiming) {
    this.#timing = timing;
  }

  /** Requests that hold blocks without running. */
  get size(): number {
    return this.#coming.length + this.arrived.length + this.#kept.size;
  }

  /** Requests that wait for their KV or, with it, for a seat. */
  get waiting(): number {
    return this.#coming.length + this.arrived.length;
  }

  /** When the next transfer ends; Infinity when there is none. */
  get nextNs(): number {
    let least = Infinity;
    for (let i = 0; i < this.#coming.length; i += 1)
      least = Math.min(least, this.#coming[i]!.endNs);
    return least;
  }

  /** The sequence has its blocks; `blocks` of them are read from the prefill worker from now on. */
  start(sequence: Sequence, blocks: number, atNs: number): void {
    const { latencyNs, perBlockNs } = this.#timing;
    this.#coming.push({ sequence, endNs: atNs + Math.round(latencyNs + blocks * perBlockNs) });
  }

  /** Takes out the transfers that have ended, earliest first. */
  takeEnded(atNs: number): readonly Sequence[] {
    if (this.nextNs > atNs) return NONE; // asked at every step, also of workers that never transfer
    const ended = this.#coming.filter(({ endNs }) => endNs <= atNs);
    const left = this.#coming.filter(({ endNs }) => endNs > atNs);
    this.#coming.splice(0, this.#coming.length, ...left);
    return ended.sort((a, b) => a.endNs - b.endNs).map(({ sequence }) => sequence);
  }

  /** Removes a request that waits here; false where it does not. */
  remove(sequence: Sequence): boolean {
    const at = this.#coming.findIndex((transfer) => transfer.sequence === sequence);
    if (at < 0) return this.arrived.remove(sequence);
    this.#coming.splice(at, 1);
    return true;
  }

  keep(sequence: Sequence): void {
    this.#kept.set(sequence.request.id, sequence);
  }

  /** Removes a kept request; undefined when there is none. */
  unkeep(requestId: number): Sequence | undefined {
    const sequence = this.#kept.get(requestId);
    this.#kept.delete(requestId);
    return sequence;
  }
}

const NONE: readonly Sequence[] = [];

interface Transfer {
  readonly sequence: Sequence;
  readonly endNs: number;
}
