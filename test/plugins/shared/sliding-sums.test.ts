import { expect, test } from "bun:test";
import { SlidingSums } from "../../../plugins/shared/sliding-sums.ts";
import { randomStream } from "../../../core/base/random.ts";

test("the sum of a worker is that of its entries in the window", () => {
  const random = randomStream(1);
  const sums = new SlidingSums(2);
  const entries: { worker: number; amount: number; nowNs: number }[] = [];
  let nowNs = 0;
  // More entries in two seconds than the ring has at first, then few again.
  for (const everyNs of [1e6, 1e5, 1e9]) {
    for (let i = 0; i < 4000; i += 1) {
      nowNs += everyNs;
      const entry = { worker: random.int(3), amount: random.int(100), nowNs };
      sums.add(entry.worker, entry.amount, nowNs);
      entries.push(entry);
      if (i % 500 !== 499) continue;
      sums.forget(nowNs);
      const within = entries.filter((one) => one.nowNs >= nowNs - 2e9);
      for (const worker of [0, 1, 2]) {
        const own = within.filter((one) => one.worker === worker);
        expect(sums.at(worker)).toBe(own.reduce((sum, { amount }) => sum + amount, 0));
      }
    }
  }
});

test("nothing is left of entries that have gone, not even a rounding error", () => {
  const sums = new SlidingSums(1);
  for (let i = 0; i < 10; i += 1) sums.add(0, 0.1, i);
  sums.forget(3e9);
  expect(sums.at(0)).toBe(0);
  sums.add(1, 0.7, 3e9);
  sums.clear();
  expect([sums.at(0), sums.at(1), sums.at(2)]).toEqual([0, 0, 0]);
});
