import { expect, test } from "bun:test";
import { Timeouts } from "../../../core/simulate/timeouts.ts";

test("requests still in flight at their deadline time out, in the order of sending", () => {
  const woken: number[] = [];
  const timeouts = new Timeouts(100, (atNs) => woken.push(atNs));
  expect(timeouts.nextNs).toBe(Infinity);
  for (const [id, atNs] of [
    [7, 0],
    [8, 10],
    [9, 20],
  ] as const)
    timeouts.sent(id, atNs);
  expect(timeouts.nextNs).toBe(100);
  const isInFlight = (id: number): boolean => id !== 8;
  expect(timeouts.takeDue(99, isInFlight)).toEqual([]);
  expect(timeouts.takeDue(115, isInFlight)).toEqual([7]);
  expect(timeouts.nextNs).toBe(120);
  expect(timeouts.takeDue(120, isInFlight)).toEqual([9]);
  expect(timeouts.nextNs).toBe(Infinity);
  expect(woken).toEqual([100, 100, 120]); // once for all that are sent, then after each look
});

test("ended requests are skipped, however many there are", () => {
  const timeouts = new Timeouts(1, () => {});
  for (let id = 0; id < 10_000; id += 1) timeouts.sent(id, id);
  expect(timeouts.takeDue(9_998, () => false)).toEqual([]);
  expect(timeouts.nextNs).toBe(Infinity);
  timeouts.sent(1, 20_000);
  expect(timeouts.nextNs).toBe(20_001);
});
