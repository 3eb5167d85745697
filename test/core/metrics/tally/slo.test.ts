import { expect, test } from "bun:test";
import { keeps, keptShare } from "../../../../core/metrics/tally/slo.ts";

const one = { ttftMs: 500, tpotMs: 20, e2eMs: 2000 };

test("all given limits must be kept, and a value equal to the limit keeps it", () => {
  expect(keeps(one, { ttftMs: 500, tpotMs: 20, e2eMs: 2000 })).toBe(true);
  expect(keeps(one, { ttftMs: 499 })).toBe(false);
  expect(keeps(one, { ttftMs: 500, e2eMs: 1999 })).toBe(false);
  expect(keeps(one, { tpotMs: 19 })).toBe(false);
  expect(keeps(one, {})).toBe(true);
});

test("an answer of one token keeps the TPOT limit; one without a first token keeps no limit", () => {
  expect(keeps({ ...one, tpotMs: NaN }, { tpotMs: 1 })).toBe(true);
  expect(keeps({ ...one, ttftMs: NaN }, { ttftMs: 1e9 })).toBe(false);
});

test("requests that failed or were never sent count among all", () => {
  const late = { ...one, ttftMs: 501 };
  expect(keptShare([one, late], { ok: 2, failed: 1, dropped: 1 }, { ttftMs: 500 })).toBe(0.25);
  expect(keptShare([one], { ok: 1, failed: 0, dropped: 0 }, undefined)).toBeUndefined();
  expect(keptShare([], { ok: 0, failed: 0, dropped: 0 }, { ttftMs: 500 })).toBeUndefined();
});
