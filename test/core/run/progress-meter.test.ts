import { describe, expect, test } from "bun:test";
import { timeLeftS, type CellPace } from "../../../core/run/progress-meter.ts";

const at = (details: Partial<CellPace>): CellPace => ({
  cellS: 10,
  loadS: 10,
  total: 100,
  ended: 40,
  inFlight: 20,
  ...details,
});

describe("in the first cell", () => {
  const first = { usualS: undefined, toCome: 3 };

  test("there is no estimate before a part of the requests has ended", () => {
    expect(timeLeftS(at({ loadS: undefined }), first)).toBeUndefined();
    expect(timeLeftS(at({ ended: 0 }), first)).toBeUndefined();
    expect(timeLeftS(at({ ended: 4 }), first)).toBeUndefined();
    expect(timeLeftS(at({ total: undefined }), first)).toBeUndefined();
  });

  test("requests in flight count as half done, and the engine's start not for later cells", () => {
    // 40 ended and 20 half done are half: 20 s a cell, of which 10 are over; three more cells.
    expect(timeLeftS(at({ cellS: 25 }), first)).toBe(10 + 60);
  });
});

describe("after finished cells", () => {
  const later = { usualS: 30, toCome: 2 };

  test("a new cell is expected to take as long as they took", () => {
    expect(timeLeftS(at({ cellS: 0, loadS: undefined, ended: 0 }), later)).toBe(90);
    expect(timeLeftS(at({ cellS: 2, loadS: undefined, ended: 0 }), later)).toBe(88);
  });

  test("its own pace counts by the share that has ended, so that time left goes down smoothly", () => {
    // Set-up 2 s, load 10 s half done: 22 s at its own pace, weighing .4 against 30 s.
    expect(timeLeftS(at({ cellS: 12 }), later)).toBeCloseTo(30 * 0.6 + 22 * 0.4 - 12 + 60, 9);
    let last = Infinity;
    for (let second = 0; second <= 20; second += 1) {
      const ended = Math.max(0, second * 5 - 10);
      const pace = at({ cellS: second, loadS: second, ended, inFlight: Math.min(20, 100 - ended) });
      const left = timeLeftS(pace, later)!;
      expect(left).toBeLessThan(last);
      expect(last - left < 4 || last === Infinity).toBe(true);
      last = left;
    }
  });

  test("a cell that takes longer than expected has nothing left, never less", () => {
    expect(timeLeftS(at({ cellS: 99, loadS: undefined, ended: 0 }), later)).toBe(60);
  });
});
