import { describe, expect, test } from "bun:test";
import { mergeRuns } from "../../../core/metrics/merge-runs.ts";
import type { RunResult } from "../../../core/metrics/result.ts";
import { summarizeCell, summarizeRun } from "../../../core/metrics/summary.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { exampleArm, exampleCell, exampleInput, steadyRecords } from "./example-cells.ts";

function runOf(seed: number): RunResult {
  const plan: Plan = {
    schemaVersion: 1,
    tool: { name: "dynbench", version: "0.1.0" },
    seed,
    clock: "wall",
    repeats: 1,
    preflight: true,
    wire: { form: "ids", connection: "keep-alive", headers: {}, body: {} },
    arms: [exampleArm("kv"), exampleArm("round-robin")],
    cells: [exampleCell({ seed }), exampleCell({ id: "r0-rr", arm: 1, seed })],
    reporters: [],
    engineArgs: [],
    host: "127.0.0.1",
    replicas: 1,
  };
  const cells = plan.cells.map((cell) =>
    summarizeCell(exampleInput(steadyRecords(120), { cell, arm: plan.arms[cell.arm]! })),
  );
  const summary = summarizeRun({ plan, cells, startedAt: "2026-01-01T00:00:00Z" });
  return { plan, facts: { seed }, summary, cells, command: `run ${seed}` };
}

const pairsOf = (run: RunResult): string[] => [
  ...new Set(run.summary.comparisons.map(({ a, b }) => `${b} / ${a}`)),
];

describe("merged runs", () => {
  const merged = mergeRuns([runOf(7), runOf(7)], ["live", "virtual"]);

  test("keep every cell, named after its run, with its own arm", () => {
    expect(merged.plan.arms.map((arm) => arm.label)).toEqual([
      "kv (live)",
      "round-robin (live)",
      "kv (virtual)",
      "round-robin (virtual)",
    ]);
    expect(merged.summary.cells.map(({ id, arm }) => [id, arm])).toEqual([
      ["live/r0-kv", "kv (live)"],
      ["live/r0-rr", "round-robin (live)"],
      ["virtual/r0-kv", "kv (virtual)"],
      ["virtual/r0-rr", "round-robin (virtual)"],
    ]);
    expect(merged.cells.map(({ cell }) => cell.arm)).toEqual([0, 1, 2, 3]);
    expect(merged.facts).toEqual({ live: { seed: 7 }, virtual: { seed: 7 } });
  });

  test("of the same requests are compared within each and by their references", () => {
    expect(pairsOf(merged)).toEqual([
      "kv (live) / round-robin (live)",
      "kv (virtual) / round-robin (virtual)",
      "round-robin (virtual) / round-robin (live)",
    ]);
  });

  test("of other requests are compared within each alone", () => {
    expect(pairsOf(mergeRuns([runOf(7), runOf(8)], ["a", "b"]))).toEqual([
      "kv (a) / round-robin (a)",
      "kv (b) / round-robin (b)",
    ]);
  });

  test("need a run", () => {
    expect(() => mergeRuns([], [])).toThrow("No runs to merge");
  });
});
