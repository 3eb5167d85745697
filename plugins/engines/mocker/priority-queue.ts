/**
 * The waiting queue of `--scheduling-policy priority`, as vLLM's (`vllm/v1/core/sched/request_queue.py`,
 * 0.31): by priority, then by arrival. A request that was preempted goes back to its place,
 * because it keeps its arrival.
 */
import type { Sequence } from "./sequence.ts";

/** Whether `one` is served before `other`: its priority is higher, or equal and it arrived earlier. */
export function goesBefore(one: Sequence, other: Sequence): boolean {
  const [mine, others] = [priorityOf(one), priorityOf(other)];
  if (mine !== others) return mine > others;
  if (one.readyNs !== other.readyNs) return one.readyNs < other.readyNs;
  return one.request.id < other.request.id;
}

function priorityOf({ request }: Sequence): number {
  return request.priority ?? 0;
}

export class PriorityQueue {
  /** The first to be served is at the end. */
  readonly #sorted: Sequence[] = [];

  get length(): number {
    return this.#sorted.length;
  }

  get first(): Sequence | undefined {
    return this.#sorted.at(-1);
  }

  push(sequence: Sequence): void {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (goesBefore(sequence, this.#sorted[middle]!)) low = middle + 1;
      else high = middle;
    }
    this.#sorted.splice(low, 0, sequence);
  }

  pushFront(sequence: Sequence): void {
    this.push(sequence);
  }

  shift(): Sequence | undefined {
    return this.#sorted.pop();
  }

  /** Removes one, wherever it is; false when it is not there. */
  remove(sequence: Sequence): boolean {
    const at = this.#sorted.indexOf(sequence);
    if (at < 0) return false;
    this.#sorted.splice(at, 1);
    return true;
  }
}
