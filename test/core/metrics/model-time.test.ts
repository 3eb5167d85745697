import { expect, test } from "bun:test";
import { inModelTime, timeScaleNotes } from "../../../core/metrics/model-time.ts";
import { summarizeCell } from "../../../core/metrics/summary/summary.ts";
import { exampleArm, exampleInput, steadyRecords } from "./example-cells.ts";

const input = exampleInput(steadyRecords(40), {});
const plain = summarizeCell(input);
const fast = summarizeCell({ ...input, timeScale: 10 });

test("times of a sped-up engine are multiplied, rates divided, counts and client figures unchanged", () => {
  const { summary, points, series } = inModelTime(fast);
  expect(summary.timeScale).toBe(1);
  expect(summary.timesMultipliedBy).toBe(10);
  expect(summary.durationS).toBeCloseTo(plain.summary.durationS * 10);
  for (const key of ["ttftMs", "itlMs", "tpotMs", "e2eMs"] as const) {
    expect(summary.metrics[key]!.n).toBe(plain.summary.metrics[key]!.n);
    expect(summary.metrics[key]!.p99).toBe(plain.summary.metrics[key]!.p99 * 10);
  }
  expect(summary.metrics.outputTps).toBeCloseTo(plain.summary.metrics.outputTps / 10);
  expect(summary.metrics.isl).toEqual(plain.summary.metrics.isl);
  expect(summary.client).toEqual(plain.summary.client);
  expect(points.ttftMs).toEqual(plain.points.ttftMs.map((value) => value * 10));
  expect(points.latenessMs).toEqual(plain.points.latenessMs);
  expect(series.inFlight.timeS.at(-1)).toBe(plain.series.inFlight.timeS.at(-1)! * 10);
});

test("times of tiers are multiplied too, their SLO shares are unchanged", () => {
  const load = { ...input.cell.load, tiers: [{ name: "a", share: 1 }], slo: { ttftMs: 100 } };
  const records = steadyRecords(40, () => ({ tier: "a" }));
  const cell = { ...input.cell, load };
  const [before] = summarizeCell({ ...input, cell, records }).summary.tiers!;
  const [after] = inModelTime(summarizeCell({ ...input, cell, records, timeScale: 10 })).summary
    .tiers!;
  expect(after!.ttftMs!.mean).toBeCloseTo(before!.ttftMs!.mean * 10);
  expect(after!.e2eMeanMs!.high).toBeCloseTo(before!.e2eMeanMs!.high * 10);
  expect(after!.tokensPerS).toBeCloseTo(before!.tokensPerS! / 10);
  expect(after!.sloShare).toBe(before!.sloShare);
});

test("results of an engine at its own speed are unchanged", () => {
  expect(inModelTime(plain)).toBe(plain);
});

test("notes name arms only where they differ, and there are none for times of the hardware", () => {
  expect(timeScaleNotes([plain.summary])).toEqual([]);
  expect(timeScaleNotes([fast.summary])).toEqual([
    "the engine runs 10× faster than the hardware it models, times as measured",
  ]);
  const live = { ...inModelTime(fast).summary, arm: "kv (live)" };
  expect(timeScaleNotes([live, { ...plain.summary, arm: exampleArm("kv").label }])).toEqual([
    "kv (live): measured with the engine 10× faster than the hardware it models, times shown × 10",
  ]);
});
