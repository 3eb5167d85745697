import { expect, test } from "bun:test";
import { keeps, keptShare } from "../../../../core/metrics/tally/slo.ts";

const one = { ttftMs: 500, tpotMs: 20, e2eMs: 2000 };

test("all limits that are there must be kept, and meeting one is keeping it", () => {
  expect(keeps(one, { ttftMs: 500, tpotMs: 20, e2eMs: 2000 })).toBe(true);
  expect(keeps(one, { ttftMs: 499 })).toBe(false);
  expect(keeps(one, { ttftMs: 500, e2eMs: 1999 })).toBe(false);
  expect(keeps(one, { tpotMs: 19 })).toBe(false);
  expect(keeps(one, {})).toBe(true);
});

test("an answer of one token has no pace to break; one without a first token kept nothing", () => {
  expect(keeps({ ...one, tpotMs: NaN }, { tpotMs: 1 })).toBe(true);
  expect(keeps({ ...one, ttftMs: NaN }, { ttftMs: 1e9 })).toBe(false);
});

test("whoever failed or was never sent counts among all", () => {
  const late = { ...one, ttftMs: 501 };
  expect(keptShare([one, late], { ok: 2, failed: 1, dropped: 1 }, { ttftMs: 500 })).toBe(0.25);
  expect(keptShare([one], { ok: 1, failed: 0, dropped: 0 }, undefined)).toBeUndefined();
  expect(keptShare([], { ok: 0, failed: 0, dropped: 0 }, { ttftMs: 500 })).toBeUndefined();
});
