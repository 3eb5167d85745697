import { describe, expect, test } from "bun:test";
import { mergeRuns } from "../../../../core/metrics/summary/merge-runs.ts";
import type { RunResult } from "../../../../core/contract/result.ts";
import { summarizeCell, summarizeRun } from "../../../../core/metrics/summary/summary.ts";
import type { PlannedCell } from "../../../../core/contract/plan.ts";
import {
  exampleArm,
  exampleCell,
  exampleInput,
  examplePlan,
  steadyRecords,
} from "../example-cells.ts";

function runOf(seed: number): RunResult {
  const plan = examplePlan({
    seed,
    cells: [exampleCell({ seed }), exampleCell({ id: "r0-rr", arm: 1, seed })],
  });
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

  test("keep every cell, with its run in its id and its own arm", () => {
    expect(merged.plan.arms.map((arm) => arm.label)).toEqual([
      "kv (live)",
      "kv (virtual)",
      "round-robin (live)",
      "round-robin (virtual)",
    ]);
    expect(merged.summary.cells.map(({ id, arm }) => [id, arm])).toEqual([
      ["live/r0-kv", "kv (live)"],
      ["live/r0-rr", "round-robin (live)"],
      ["virtual/r0-kv", "kv (virtual)"],
      ["virtual/r0-rr", "round-robin (virtual)"],
    ]);
    expect(merged.cells.map(({ cell }) => cell.arm)).toEqual([0, 2, 1, 3]);
    expect(merged.facts).toEqual({ live: { seed: 7 }, virtual: { seed: 7 } });
  });

  test("list arms of the same router together, even where one run has no such arm", () => {
    expect(merged.sideBySide).toEqual({
      runs: ["live", "virtual"],
      routers: [
        { label: "kv", arms: [0, 1] },
        { label: "round-robin", arms: [2, 3] },
      ],
    });
    const alone = runOf(7);
    alone.plan = { ...alone.plan, arms: [exampleArm("round-robin")], cells: [] };
    alone.cells = [];
    expect(mergeRuns([runOf(7), alone], ["a", "b"]).sideBySide!.routers).toEqual([
      { label: "kv", arms: [0, undefined] },
      { label: "round-robin", arms: [1, 2] },
    ]);
  });

  test("fill in parameters that another run swept from their own options", () => {
    const swept = runOf(7);
    const atConcurrency = (cell: PlannedCell): PlannedCell => ({
      ...cell,
      parameters: { ...cell.parameters, concurrency: 8, isl: 4000 },
    });
    swept.plan = { ...swept.plan, cells: swept.plan.cells.map(atConcurrency) };
    const both = mergeRuns([swept, runOf(7)], ["a", "b"]);
    // The example's load has concurrency 2, and its workload no option isl.
    expect(both.plan.cells.map(({ parameters }) => parameters)).toEqual([
      { prefixRatio: 0.5, concurrency: 8, isl: 4000 },
      { prefixRatio: 0.5, concurrency: 8, isl: 4000 },
      { prefixRatio: 0.5, concurrency: 2 },
      { prefixRatio: 0.5, concurrency: 2 },
    ]);
    expect(both.cells[2]!.summary.parameters).toEqual({ prefixRatio: 0.5, concurrency: 2 });
  });

  test("on different time scales are converted to the time of the modelled hardware", () => {
    const fast = runOf(7);
    const ttft = fast.cells[0]!.summary.metrics.ttftMs!.mean;
    for (const cell of fast.cells) cell.summary = { ...cell.summary, timeScale: 10 };
    fast.summary = { ...fast.summary, cells: fast.cells.map(({ summary }) => summary) };
    const both = mergeRuns([fast, runOf(7)], ["a", "b"]);
    expect(both.summary.cells.map((cell) => cell.metrics.ttftMs!.mean)).toEqual([
      ttft * 10,
      ttft * 10,
      ttft,
      ttft,
    ]);
    expect(both.summary.cells[0]!.timesMultipliedBy).toBe(10);
    const alike = mergeRuns([fast, fast], ["a", "b"]);
    expect(alike.summary.cells[0]!.metrics.ttftMs!.mean).toBe(ttft);
  });

  test("of the same requests are compared within each and router by router", () => {
    expect(pairsOf(merged)).toEqual([
      "kv (live) / round-robin (live)",
      "kv (virtual) / round-robin (virtual)",
      "kv (virtual) / kv (live)",
      "round-robin (virtual) / round-robin (live)",
    ]);
  });

  test("of other requests are compared only within each run", () => {
    expect(pairsOf(mergeRuns([runOf(7), runOf(8)], ["a", "b"]))).toEqual([
      "kv (a) / round-robin (a)",
      "kv (b) / round-robin (b)",
    ]);
  });

  test("say in a note what they were not given alike", () => {
    const other = runOf(7);
    const longer = (cell: PlannedCell): PlannedCell => ({
      ...cell,
      workload: { ...cell.workload, options: { isl: 2000 } },
      load: { ...cell.load, concurrency: 8 },
    });
    other.plan = { ...other.plan, cells: other.plan.cells.map(longer) };
    const noteOf = (runs: RunResult[], names: string[]) =>
      mergeRuns(runs, names).summary.verdict.reasons.find(({ id }) => id === "runs-differ");
    expect(noteOf([runOf(7), other], ["a", "b"])).toMatchObject({
      severity: "note",
      message: "The runs were not given the same: concurrency 2 (a), 8 (b); ISL – (a), 2000 (b)",
    });
    expect(noteOf([runOf(7), runOf(7)], ["a", "b"])).toBeUndefined();
    // A parameter that one of them swept has a column.
    const swept = runOf(7);
    const atConcurrency = (cell: PlannedCell): PlannedCell => ({
      ...longer(cell),
      parameters: { ...cell.parameters, concurrency: 8 },
    });
    swept.plan = { ...swept.plan, cells: swept.plan.cells.map(atConcurrency) };
    expect(noteOf([runOf(7), swept], ["a", "b"])!.message).toEndWith(": ISL – (a), 2000 (b)");
  });

  test("need at least one run", () => {
    expect(() => mergeRuns([], [])).toThrow("No runs to merge");
  });
});
