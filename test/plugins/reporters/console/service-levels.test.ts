import { expect, test } from "bun:test";
import { sloBlock, tierBlock } from "../../../../plugins/reporters/console/service-levels.ts";
import type { RunResult } from "../../../../core/doors/report.ts";

const REQUESTS = { sent: 3, ok: 2, failed: 1, dropped: 0 };
const TIMES = { mean: 100.4, p50: 12.34, p99: 1234.5 };

/** One arm, `kv`; each summary is a cell of its own setting, or a repeat. */
function runOf(cells: { parameters?: object; [key: string]: unknown }[], load = {}): RunResult {
  return {
    plan: { arms: [{ label: "kv" }] },
    cells: cells.map(({ parameters = {}, ...summary }) => ({
      cell: { arm: 0, parameters, load },
      summary,
    })),
  } as unknown as RunResult;
}

test("each tier of an arm has its line, below the fairness between tiers", () => {
  const cell = {
    tiers: [
      {
        ...{ name: "high", priority: 2, requests: REQUESTS, ttftMs: TIMES, e2eMs: TIMES },
        ttftMeanMs: { value: 100.4, low: 90, high: 111 },
        sloShare: 0.5,
      },
      { name: "acme", requests: { ...REQUESTS, failed: 0 }, cachedShare: 0.25 },
    ],
    fairness: { ttft: { jain: 0.5322, maxOverMin: 31 }, service: { jain: 1, maxOverMin: 1 } },
  };
  expect(tierBlock(runOf([cell, {}]))).toEqual([
    "By tier, mean TTFT and E2E in ms, with 95 % intervals of the mean TTFT:",
    "  kv: mean TTFT max/min 31.00, Jain 0.532",
    "    high (2)            2 ok  1 failed  TTFT 100 (90–111)  p99 1,235  E2E 100  SLO kept 50 %",
    "    acme                2 ok  hits 25 %",
  ]);
});

test("settings are named, repeats are together", () => {
  const at = (concurrency: number) => ({
    parameters: { concurrency },
    tiers: [{ name: "a", requests: REQUESTS }],
  });
  expect(tierBlock(runOf([at(1), at(1), at(8)])).slice(1)).toEqual([
    "  kv at concurrency 1",
    "    a                   4 ok  2 failed",
    "  kv at concurrency 8",
    "    a                   2 ok  1 failed",
  ]);
});

test("a run without tiers has no such block, and one with many settings states what is left out", () => {
  expect(tierBlock(runOf([{}]))).toEqual([]);
  const many = Array.from({ length: 20 }, (_, concurrency) => ({
    parameters: { concurrency },
    tiers: [{ name: "a", requests: REQUESTS }],
  }));
  expect(tierBlock(runOf(many)).at(-1)).toBe("  and 16 more lines, in summary.json");
});

test("kept limits are printed by arm, as the mean of its repeats", () => {
  const load = { slo: { ttftMs: 500, e2eMs: 20_000 } };
  expect(sloBlock(runOf([{ sloShare: 0.5 }, { sloShare: 0.7 }], load))).toEqual([
    "Requests that kept TTFT 500 ms, E2E 20,000 ms:",
    "  kv  60 %",
  ]);
  expect(sloBlock(runOf([{}]))).toEqual([]);
});
