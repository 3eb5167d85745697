import { describe, expect, test } from "bun:test";
import { EventHeap } from "../../../core/simulate/event-heap.ts";
import { randomStream } from "../../../core/base/random.ts";

/** Everything on the heap, in its order. */
function drained(heap: EventHeap): [timeNs: number, kind: number, subject: number][] {
  const events: [number, number, number][] = [];
  while (heap.pop()) events.push([heap.timeNs, heap.kind, heap.subject]);
  return events;
}

describe("events come", () => {
  test("by time", () => {
    const heap = new EventHeap();
    for (const timeNs of [5, 1, 3, 2, 4]) heap.push(timeNs, 0, timeNs);
    expect(drained(heap).map(([timeNs]) => timeNs)).toEqual([1, 2, 3, 4, 5]);
  });

  test("at one time by kind, then in the order they were pushed", () => {
    const heap = new EventHeap();
    heap.push(7, 2, 1);
    heap.push(7, 1, 2);
    heap.push(7, 2, 3);
    heap.push(7, 0, 4);
    heap.push(7, 1, 5);
    expect(drained(heap)).toEqual([
      [7, 0, 4],
      [7, 1, 2],
      [7, 1, 5],
      [7, 2, 1],
      [7, 2, 3],
    ]);
  });

  test("as a stable sort would give them, however they are mixed", () => {
    const random = randomStream(0, "event-heap");
    const heap = new EventHeap();
    const waiting: [number, number, number][] = [];
    const popped: number[] = [];
    const wanted: number[] = [];
    for (let n = 0; n < 20_000; n += 1) {
      if (random.next() < 0.6) {
        const event: [number, number, number] = [random.int(50) * 1e9, random.int(10), n];
        heap.push(...event);
        waiting.push(event);
      } else if (heap.pop()) {
        popped.push(heap.subject);
        waiting.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
        wanted.push(waiting.shift()![2]);
      }
      if (n === 3_000) expect(heap.size).toBe(waiting.length);
      if (waiting.length > 40) while (heap.pop()) waiting.length = 0;
    }
    expect(popped).toEqual(wanted);
    expect(popped.length).toBeGreaterThan(1_000);
  });

  test("more than the first arrays hold", () => {
    const heap = new EventHeap();
    for (let n = 5_000; n > 0; n -= 1) heap.push(n, 3, n);
    expect(heap.size).toBe(5_000);
    expect(drained(heap).map(([, , subject]) => subject)).toEqual(
      Array.from({ length: 5_000 }, (_, i) => i + 1),
    );
    expect(heap.pop()).toBe(false);
  });
});
