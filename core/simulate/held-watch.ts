/**
 * Has the routers ask again for the requests that their policies hold: when a late cache change arrives
 * that may release one, and when the longest wait is over.
 */
import type { Cluster } from "./cluster.ts";
import type { EventHeap } from "./event-heap.ts";
import { LOOK_AT_HELD } from "./event-kinds.ts";
import type { Replicas } from "./replicas.ts";

export class HeldWatch {
  readonly #cluster: Cluster;
  readonly #replicas: Replicas;
  readonly #heap: EventHeap;
  /** When the next look is due, so that it is on the heap once. */
  #dueNs = Infinity;

  constructor(parts: { cluster: Cluster; replicas: Replicas; heap: EventHeap }) {
    this.#cluster = parts.cluster;
    this.#replicas = parts.replicas;
    this.#heap = parts.heap;
  }

  /** A request is held from now on. */
  start(): void {
    // Held requests are asked for again at every event, so cache events must come in time.
    if (this.#replicas.needsEvents) this.#cluster.watch(true);
    this.#arm();
  }

  /** A cache change is on its way. */
  expect(): void {
    if (this.#replicas.heldRequests > 0) this.#arm();
  }

  /** The look is due. */
  look(nowNs: number): void {
    this.#dueNs = Infinity;
    this.#replicas.deliver(nowNs);
    this.#replicas.checkHeld(nowNs);
    if (this.#replicas.heldRequests === 0) this.#cluster.watch(false);
    this.#arm();
  }

  #arm(): void {
    const { heldRequests, holdDeadlineNs, nextArrivalNs, needsEvents } = this.#replicas;
    if (heldRequests === 0) return;
    const nextNs = needsEvents ? Math.min(holdDeadlineNs, nextArrivalNs) : holdDeadlineNs;
    if (nextNs >= this.#dueNs) return;
    this.#dueNs = nextNs;
    this.#heap.push(nextNs, LOOK_AT_HELD, 0);
  }
}
