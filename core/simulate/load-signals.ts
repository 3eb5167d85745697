/** Reports first tokens and ends to the routers that count the requests, each after a delay. */
import type { EventHeap } from "./event-heap.ts";
import * as event from "./event-kinds.ts";
import type { SimSettings } from "../contract/plan.ts";
import type { Replicas } from "./replicas.ts";
import type { SimRequest } from "./sim-request.ts";

export class LoadSignals {
  readonly #heap: EventHeap;
  readonly #replicas: Replicas;
  readonly #delayNs: number;

  constructor(parts: { heap: EventHeap; replicas: Replicas; settings: SimSettings }) {
    this.#heap = parts.heap;
    this.#replicas = parts.replicas;
    this.#delayNs = Math.round(parts.settings.loadDelayMs * 1e6);
  }

  firstToken(requestId: number, atNs: number): void {
    if (this.#delayNs === 0) this.#replicas.firstToken(requestId, atNs);
    else this.#heap.push(atNs + this.#delayNs, event.FIRST_TOKEN_KNOWN, requestId);
  }

  /** Its prefill worker has answered. */
  prefilled(requestId: number, atNs: number): void {
    if (this.#delayNs === 0) this.#replicas.prefilled(requestId, atNs);
    else this.#heap.push(atNs + this.#delayNs, event.PREFILL_KNOWN, requestId);
  }

  ended({ id, life }: SimRequest, atNs: number): void {
    // A router that still holds the request sees at once that its client left.
    if (life.isHeld || this.#delayNs === 0) this.#replicas.ended(id, atNs);
    else this.#heap.push(atNs + this.#delayNs, event.END_KNOWN, id);
  }

  /** Delivers a delayed report; false when the event is of another kind. */
  deliver(kind: number, requestId: number, nowNs: number): boolean {
    if (kind === event.FIRST_TOKEN_KNOWN) this.#replicas.firstToken(requestId, nowNs);
    else if (kind === event.PREFILL_KNOWN) this.#replicas.prefilled(requestId, nowNs);
    else if (kind === event.END_KNOWN) this.#replicas.ended(requestId, nowNs);
    else return false;
    return true;
  }
}
