/** Parties that stood still, and runs in which something else explains a silence. */
import { expect, test } from "bun:test";
import type { RequestRecord } from "../../../../core/contract/record.ts";
import { summarizeCell, type CellInput } from "../../../../core/metrics/summary/summary.ts";
import { exampleInput, okRecord } from "../example-cells.ts";

const messages = (records: readonly RequestRecord[], details: Partial<CellInput> = {}): string[] =>
  summarizeCell(exampleInput(records, details))
    .summary.verdict.reasons.filter(({ id }) => id === "stood-still")
    .map(({ message }) => message);

/** 200 requests in turn on two workers; TTFT 100 ms, nine gaps of 20 ms, the answers overlap. */
function load(late: (atMs: number, worker: string) => number = (atMs) => atMs): RequestRecord[] {
  return Array.from({ length: 200 }, (_, i) => {
    const worker = `worker-${i % 2}`;
    const stamps = Array.from({ length: 10 }, (_, chunk) =>
      late(30 * i + 100 + 20 * chunk, worker),
    );
    const gaps = stamps.slice(1).map((stamp, k) => stamp - stamps[k]!);
    return okRecord(i, { intended: 30 * i, first: stamps[0]!, gaps }, { worker });
  });
}

/** What would have come from 2 s to 5 s comes at 5 s. */
const held = (atMs: number): number => (atMs > 2000 && atMs < 5000 ? 5000 : atMs);

test("an even load has none", () => {
  expect(messages(load())).toEqual([]);
});

test("all workers' streams silent at once: the router, or the way to it", () => {
  expect(messages(load(held))).toEqual([
    expect.stringMatching(
      /^Router "kv", or the way to it, stood still for (2\.9|3\.0) s: 2\.\d s after the start, all \d+ answers/,
    ),
  ]);
});

test("one worker's streams silent while another's go on: the worker", () => {
  const one = (atMs: number, worker: string): number => (worker === "worker-1" ? held(atMs) : atMs);
  expect(messages(load(one))).toEqual([
    expect.stringMatching(/^worker-1 stood still for (2\.9|3\.0) s/),
  ]);
});

test("a simulated run has none, and a short one is no stand-still", () => {
  const short = (atMs: number): number => (atMs > 2000 && atMs < 2400 ? 2400 : atMs);
  expect(messages(load(short))).toEqual([]);
  expect(messages(load(held), { clock: "virtual" })).toEqual([]);
});

test("silences that come again are the engine's way", () => {
  const often = (atMs: number): number => Math.ceil(atMs / 1000) * 1000;
  expect(messages(load(often))).toEqual([]);
});

test("a long prompt that was read meanwhile explains a silence", () => {
  const long = okRecord(
    200,
    { intended: 1990, first: 5000, gaps: [20, 20] },
    { worker: "worker-0", isl: 4000, promptTokens: 4000 },
  );
  expect(messages([...load(held), long])).toEqual([]);
  const small = { ...long, isl: 100, promptTokens: 100 };
  expect(messages([...load(held), small])).toHaveLength(1);
});

test("a process that noticed it itself is named instead, and the load generator has a finding of its own", () => {
  const pauses = [{ name: "router-kv", ms: 3010 }];
  const traits = { spreads: true, kvEvents: false };
  expect(messages(load(held), { evidence: { traits, pauses } })).toEqual([
    "router-kv stood still for 3.0 s: as its own clock shows",
  ]);
  expect(messages(load(held), { health: { loopLagMs: { p99: 1, max: 2990 } } })).toEqual([]);
  // A pause of no weight beside the latencies.
  const short = [{ name: "router-kv", ms: 450 }];
  expect(messages(load(), { evidence: { traits, pauses: short } })).toEqual([]);
});
