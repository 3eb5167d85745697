import { describe, expect, test } from "bun:test";
import { EndTimes } from "../../../core/workload/end-times.ts";
import { RequestQueue } from "../../../core/workload/request-queue.ts";
import type { RequestSpec } from "../../../core/contract/request.ts";

const spec = (index: number, after?: [request: number, thinkMs: number]): RequestSpec => ({
  index,
  prompt: [],
  isl: 0,
  osl: 1,
  ...(after === undefined ? {} : { after: { request: after[0], thinkMs: after[1] } }),
});

describe("RequestQueue", () => {
  test("requests of a timetable leave when they are due, in its order", () => {
    const queue = new RequestQueue({ lanes: 1, order: "due" });
    queue.add(spec(0), 300);
    queue.add(spec(1), 100);
    queue.add(spec(2), 100);
    expect(queue.nextDueNs(0)).toBe(100);
    expect(queue.take(0, 99)).toBeUndefined();
    expect(queue.take(0, 100)!.spec.index).toBe(1);
    expect(queue.take(0, 1000)!.spec.index).toBe(2);
    expect(queue.take(0, 1000)!.spec.index).toBe(0);
    expect(queue.held).toBe(0);
  });

  test("requests are dealt to lanes in turn", () => {
    const queue = new RequestQueue({ lanes: 2, order: "index" });
    for (let i = 0; i < 5; i += 1) queue.add(spec(i), 0);
    const indexes = (lane: number) => {
      const taken: number[] = [];
      for (let next = queue.take(lane, 0); next; next = queue.take(lane, 0)) {
        taken.push(next.spec.index);
      }
      return taken;
    };
    expect(indexes(0)).toEqual([0, 2, 4]);
    expect(indexes(1)).toEqual([1, 3]);
  });

  test("a follow-up waits for the end of its request and the think time", () => {
    const queue = new RequestQueue({ lanes: 1, order: "index" });
    queue.add(spec(0), 0);
    const followUp = queue.add(spec(1, [0, 2]), 0);
    queue.add(spec(2), 0);
    expect(followUp.isParked).toBe(true);
    expect(queue.scheduled).toBe(2);
    expect(queue.take(0, 0)!.spec.index).toBe(0);
    expect(queue.ended(0, 5_000_000)).toEqual([followUp]);
    expect(followUp.isParked).toBe(false);
    expect(queue.take(0, 6_999_999)!.spec.index).toBe(2);
    expect(queue.take(0, 6_999_999)).toBeUndefined();
    expect(queue.nextDueNs(0)).toBe(7_000_000);
    // In a closed loop ready requests leave in the workload's order.
    queue.add(spec(3), 0);
    expect(queue.take(0, 7_000_000)!.spec.index).toBe(1);
  });

  test("a follow-up of a request that has ended already is scheduled at once", () => {
    const queue = new RequestQueue({ lanes: 1, order: "due" });
    queue.ended(0, 1_000_000);
    expect(queue.add(spec(1, [0, 1]), 500_000).dueNs).toBe(2_000_000);
    expect(queue.add(spec(2, [0, 1]), 9_000_000).dueNs).toBe(9_000_000);
  });

  test("requests that ended in warm-up count as ended at the start of the measured phase", () => {
    const endsNs = new EndTimes();
    new RequestQueue({ lanes: 1, order: "due" }, endsNs).ended(0, 99_000_000);
    const measured = new RequestQueue({ lanes: 1, order: "due" }, endsNs);
    expect(measured.add(spec(1, [0, 3]), 0).dueNs).toBe(3_000_000);
  });

  test("ten thousand requests leave in order of their due times", () => {
    const queue = new RequestQueue({ lanes: 1, order: "due" });
    const due = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 10_007);
    for (const [i, ns] of due.entries()) queue.add(spec(i), ns);
    const taken = due.map(() => queue.take(0, 1e9)!.dueNs);
    expect(taken).toEqual(due.toSorted((a, b) => a - b));
  });
});
