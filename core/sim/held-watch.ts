/** Has the routers look again at what their policies hold, when the longest wait is over. */
import type { Cluster } from "./cluster.ts";
import type { EventHeap } from "./event-heap.ts";
import { HELD_TOO_LONG } from "./event-kinds.ts";
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
    // What is held is asked for again at every event, so those of caches must come in time.
    if (this.#replicas.needsEvents) this.#cluster.watch(true);
    this.#arm();
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
    const deadlineNs = this.#replicas.holdDeadlineNs;
    if (deadlineNs >= this.#dueNs) return;
    this.#dueNs = deadlineNs;
    this.#heap.push(deadlineNs, HELD_TOO_LONG, 0);
  }
}
