import { expect, test } from "bun:test";
import { tierBlock } from "../../../plugins/reporters/console-tiers.ts";
import type { CellSummary, RunResult } from "../../../core/kit.ts";

const REQUESTS = { sent: 3, ok: 2, failed: 1, dropped: 0 };
const TIMES = { p50: 12.34, p99: 1234.5 };

function runOf(cells: object[]): RunResult {
  return { summary: { cells: cells as CellSummary[] } } as RunResult;
}

test("each tier of a cell has its line, below how alike tiers were served", () => {
  const cell = {
    id: "r0-kv",
    tiers: [
      { name: "high", priority: 2, requests: REQUESTS, ttftMs: TIMES, e2eMs: TIMES },
      { name: "acme", requests: { ...REQUESTS, failed: 0 }, cachedShare: 0.25 },
    ],
    fairness: { ttft: { jain: 0.5322, maxOverMin: 31 }, service: { jain: 1, maxOverMin: 1 } },
  };
  expect(tierBlock(runOf([cell, { id: "r0-none" }]))).toEqual([
    "By tier, TTFT and E2E in ms:",
    "  r0-kv: mean TTFT max/min 31.00, Jain 0.532",
    "    high (priority 2)             2 ok  1 failed  TTFT p50 12.3 p99 1235  E2E p50 12.3",
    "    acme                          2 ok  hits 25.0 %",
  ]);
});

test("a run without tiers has no such block, and one of many cells says what is left out", () => {
  expect(tierBlock(runOf([{ id: "r0-kv" }]))).toEqual([]);
  const many = Array.from({ length: 20 }, (_, i) => ({
    id: `r${i}`,
    tiers: [{ name: "a", requests: REQUESTS }],
  }));
  expect(tierBlock(runOf(many)).at(-1)).toBe("  and 16 more lines, in summary.json");
});
