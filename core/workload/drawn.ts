/**
 * Requests that were drawn, kept for the next arm that is sent the same ones: reading a trace and
 * drawing from it takes longer than to simulate it.
 */
import type { Requests } from "./requests.ts";
import type { PlannedCell } from "../contract/plan.ts";
import type { RequestSpec } from "../contract/request.ts";

/** Requests of all kept cells together, some 50 MB; the cell that was kept first is dropped first. */
const MOST_REQUESTS = 60_000;

export class DrawnRequests {
  readonly #kept = new Map<string, readonly RequestSpec[]>();
  #count = 0;

  /** Those of a cell that was drawn to its end before; its arm does not matter. */
  of(cell: PlannedCell): readonly RequestSpec[] | undefined {
    return this.#kept.get(keyOf(cell));
  }

  /** The same requests as they are drawn; kept once the last one has been. */
  keeping(cell: PlannedCell, requests: Requests): Requests {
    const drawn: RequestSpec[] = [];
    const count = (cell.load.requests ?? Infinity) + cell.load.warmup;
    const end = (): void => this.#keep(keyOf(cell), drawn);
    const add = (request: RequestSpec): void => {
      if (drawn.length <= MOST_REQUESTS) drawn.push(request);
      if (drawn.length === count) end(); // nobody asks for one more
    };
    return Symbol.asyncIterator in requests
      ? passedOnLater(requests, { add, end })
      : passedOn(requests, { add, end });
  }

  #keep(key: string, drawn: readonly RequestSpec[]): void {
    if (drawn.length > MOST_REQUESTS || this.#kept.has(key)) return;
    this.#kept.set(key, drawn);
    this.#count += drawn.length;
    for (const [oldest, requests] of this.#kept) {
      if (this.#count <= MOST_REQUESTS) break;
      this.#kept.delete(oldest);
      this.#count -= requests.length;
    }
  }
}

/** All that requests depend on. */
function keyOf({ workload, load, seed }: PlannedCell): string {
  const { requests, warmup, tiers, sendPriority } = load;
  return JSON.stringify([workload, requests, warmup, tiers, sendPriority, seed]);
}

interface Taker {
  add(request: RequestSpec): void;
  end(): void;
}

function* passedOn(
  requests: Iterable<RequestSpec>,
  { add, end }: Taker,
): Generator<RequestSpec, void> {
  for (const request of requests) {
    add(request);
    yield request;
  }
  end();
}

async function* passedOnLater(
  requests: AsyncIterable<RequestSpec>,
  { add, end }: Taker,
): AsyncGenerator<RequestSpec, void> {
  for await (const request of requests) {
    add(request);
    yield request;
  }
  end();
}
