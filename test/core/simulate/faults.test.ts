import { expect, test } from "bun:test";
import { faultsOf } from "../../../core/simulate/faults.ts";

const events = (...downs: Parameters<typeof faultsOf>[0]) =>
  faultsOf(downs, 3).map(({ atNs, worker, alive }) => [worker, atNs / 1e9, alive]);

test("overlapping or adjacent outages are one, and an outage without an end has no return", () => {
  expect(events({ worker: 0, fromS: 1, toS: 2 }, { worker: 0, fromS: 2, toS: 3 })).toEqual([
    [0, 1, false],
    [0, 3, true],
  ]);
  expect(events({ worker: 0, fromS: 0.3, toS: 1 }, { worker: 0, fromS: 0.2 })).toEqual([
    [0, 0.2, false],
  ]);
  expect(events({ worker: 0, fromS: 0.2, toS: 1 }, { worker: 0, fromS: 0.3 })).toEqual([
    [0, 0.2, false],
  ]);
  expect(events({ worker: 2, fromS: 1, toS: 9 }, { worker: 2, fromS: 2, toS: 3 })).toEqual([
    [2, 1, false],
    [2, 9, true],
  ]);
  expect(
    events(
      { worker: 1, fromS: 5, toS: 6 },
      { worker: 0, fromS: 1 },
      { worker: 1, fromS: 1, toS: 2 },
    ),
  ).toEqual([
    [1, 1, false],
    [1, 2, true],
    [1, 5, false],
    [1, 6, true],
    [0, 1, false],
  ]);
});

test("an unknown worker is reported", () => {
  expect(() => events({ worker: 3, fromS: 0 })).toThrow("Cannot take worker 3 away: there are 3");
});
