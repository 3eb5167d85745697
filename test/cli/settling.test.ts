/** The throw-away load after a start, through the built binary: marked, counted nowhere, bounded. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../core/contract/plan.ts";
import { parseRecords, type RequestRecord } from "../../core/contract/record.ts";
import type { Design, Summary } from "../../core/contract/result.ts";
import type { CellOutcome } from "../../core/run/folder/run-folder.ts";
import { dynbench, emptyFolder, startDynbench, TINY, TINY_ENGINE, until } from "./binary.ts";

const cwd = emptyFolder();
const FINISHED = [0, 5]; // 5: so short a run is untrusted
const ON = ["--settle", "on"] as const;

const read = (out: string, name: string): string => readFileSync(join(cwd, out, name), "utf8");
const lines = <T>(out: string, name: string): T[] =>
  read(out, name)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
const recordsOf = (out: string, phase: RequestRecord["phase"]): RequestRecord[] =>
  parseRecords(read(out, "records.jsonl")).filter((record) => record.phase === phase);
const settledCells = (out: string): string[] =>
  lines<CellOutcome>(out, "cells.jsonl").flatMap(({ id, settled }) => (settled ? [id] : []));

async function measure(out: string, ...args: string[]): Promise<Summary> {
  const end = await dynbench(["run", ...TINY, ...ON, "--out", out, "--json", ...args], { cwd });
  expect(FINISHED).toContain(end.exitCode!);
  expect(end.left).toEqual([]);
  return JSON.parse(end.stdout) as Summary;
}

describe("after each start", () => {
  test("batches of the cell's requests are sent, marked, and counted nowhere", async () => {
    const summary = await measure("on", "--router", "kv,round-robin", "--repeat", "2");
    // The second cell of round-robin follows its first: nothing is started in between.
    const started = ["r0-prefixRatio=0.5-kv", "r0-prefixRatio=0.5-round-robin"];
    expect(settledCells("on")).toEqual([...started, "r1-prefixRatio=0.5-kv"]);
    expect(new Set(recordsOf("on", "settling").map(({ cell }) => cell))).toEqual(
      new Set(settledCells("on")),
    );
    for (const { id, settled } of lines<CellOutcome>("on", "cells.jsonl")) {
      const records = recordsOf("on", "settling").filter(({ cell }) => cell === id);
      expect(records).toHaveLength(settled?.requests ?? 0);
      if (!settled) continue;
      expect(settled.ttftMs.length).toBeGreaterThanOrEqual(3);
      expect(settled.ttftMs.length).toBeLessThanOrEqual(8);
      // Ten requests, none of them found by the next batch.
      expect(settled.requests).toBe(10 * settled.ttftMs.length);
      const cached = records.reduce((sum, { cachedTokens = 0 }) => sum + cachedTokens, 0);
      const prompts = records.reduce((sum, { isl }) => sum + isl, 0);
      expect(cached / prompts).toBeLessThan(0.5);
    }
    for (const { requests, workers, cache } of summary.cells) {
      expect(requests).toMatchObject({ sent: 10, ok: 10 });
      expect(workers.reduce((sum, worker) => sum + worker.requests, 0)).toBe(10);
      expect(cache.cachedShare!).toBeLessThanOrEqual(cache.idealShare + 0.001);
    }
    const decided = lines<{ cell: string }>("on", "decisions.jsonl").map(({ cell }) => cell);
    const own = decided.filter((cell) => cell === started[0]);
    expect(own).toHaveLength(10);
    expect(decided).toContain(`${started[0]!}/settling`);
    const rebuilt = await dynbench(["report", "on", "--json"], { cwd });
    expect(JSON.parse(rebuilt.stdout)).toEqual(summary);
  });

  test("figures are those of a run without it, on the same requests", async () => {
    const off = await measure("off", "--router", "round-robin", "--settle", "off");
    const on = await measure("beside", "--router", "round-robin");
    expect(recordsOf("off", "settling")).toEqual([]);
    expect(settledCells("off")).toEqual([]);
    expect(off.design!.settling).toBeUndefined();
    expect(on.design!.settling).toEqual({ maxBatches: 8, maxS: 30 });
    const [with_, without] = [on.cells[0]!, off.cells[0]!];
    expect(with_.seed).toBe(without.seed);
    expect(with_.metrics.isl).toEqual(without.metrics.isl);
    expect(with_.cache.idealShare).toBe(without.cache.idealShare);
    expect(with_.requests).toEqual(without.requests);
  });

  test("--resume settles what it starts", async () => {
    await measure("resumed", "--router", "round-robin", "--repeat", "2");
    expect(settledCells("resumed")).toEqual(["r0-prefixRatio=0.5-round-robin"]);
    const [first] = read("resumed", "cells.jsonl").split("\n");
    writeFileSync(join(cwd, "resumed", "cells.jsonl"), `${first!}\n`);
    const end = await dynbench(["run", "--resume", "resumed"], { cwd });
    expect(FINISHED).toContain(end.exitCode!);
    const ids = ["r0-prefixRatio=0.5-round-robin", "r1-prefixRatio=0.5-round-robin"];
    expect(settledCells("resumed")).toEqual(ids);
  });

  test("Ctrl-C ends it, and leaves no process", async () => {
    // Real time and long prompts: one batch takes seconds.
    const long = ["--speedup", "1", "--isl", "20000", "--requests", "40", "--concurrency", "8"];
    const args = ["run", ...TINY, ...long, ...ON, "--preflight", "off", "--out", "stopped"];
    const run = startDynbench(args, { cwd });
    const has = (): boolean =>
      existsSync(join(cwd, "stopped/decisions.jsonl")) && run.printed.stderr.includes("settling");
    expect(await until(has, 20_000)).toBe(true);
    run.signal("SIGINT");
    const end = await run.end();
    expect(end.exitCode).toBe(130);
    expect(end.left).toEqual([]);
    expect(recordsOf("stopped", "measured")).toEqual([]);
    expect(lines<CellOutcome>("stopped", "cells.jsonl")).toMatchObject([
      { state: "aborted", findings: [] },
    ]);
  });
});

describe("any load", () => {
  const row = (at: number): string =>
    JSON.stringify({
      timestamp: 40_000 * at,
      input_length: 600,
      output_length: 3,
      hash_ids: [2 * at, 2 * at + 1],
    });
  const LOADS: [string, string[]][] = [
    [
      "an open loop that is slow",
      ["--rate", "20", "--requests", "4", "--isl", "500", "--osl", "3"],
    ],
    [
      "a trace that lasts minutes",
      ["--workload", "mooncake", "--trace", "t.jsonl", "--arrival", "closed"],
    ],
    [
      "sessions with think times",
      [
        ...["--workload", "sessions", "--sessions", "4", "--turns", "3", "--think-ms", "1"],
        ...["--concurrency", "2"],
      ],
    ],
    ["chats", ["--prompt-form", "chat", "--isl", "500", "--osl", "3", "--requests", "4"]],
  ];
  test.each(LOADS)("settles: %s", async (name, args) => {
    writeFileSync(join(cwd, "t.jsonl"), [0, 1, 2].map((at) => `${row(at)}\n`).join(""));
    const out = name.replaceAll(" ", "-");
    const run = ["run", ...TINY_ENGINE, ...ON, "--router", "kv", ...args, "--out", out];
    const end = await dynbench(run, { cwd });
    expect(FINISHED).toContain(end.exitCode!);
    const settling = recordsOf(out, "settling");
    expect(settling.length).toBeGreaterThan(0);
    expect(new Set(settling.map(({ state }) => state))).toEqual(new Set(["ok"]));
    expect(recordsOf(out, "measured").length).toBeGreaterThan(0);
  });
});

describe("dynbench plan", () => {
  const TWO = ["--router", "kv,round-robin", "--repeat", "3", "--control", "off"];
  const plan = async (...args: string[]): Promise<string> =>
    (await dynbench(["plan", ...TINY, ...TWO, ...args], { cwd })).stdout;

  test("prints the order of arms, and what settling takes", async () => {
    const text = await plan(...ON, "--prefix-ratio", "0.1,0.5");
    expect(text).toContain(
      [
        "  repeat 1, prefixRatio=0.1: kv, round-robin",
        "  repeat 1, prefixRatio=0.5: round-robin, kv",
        "  repeat 2, prefixRatio=0.5: kv, round-robin",
        "  repeat 2, prefixRatio=0.1: round-robin, kv",
        "  repeat 3, prefixRatio=0.1: kv, round-robin",
        "  repeat 3, prefixRatio=0.5: round-robin, kv",
      ].join("\n"),
    );
    expect(text).toMatch(
      /settling after 7 starts of a router or engine: at most 8 batches and 30 s each, about \d+s in all/,
    );
  });

  test("has the design as JSON, which runs as a plan", async () => {
    type Printed = Plan & { design: Design };
    const printed = JSON.parse(await plan(...ON, "--json")) as Printed;
    expect(printed.design).toEqual({
      order: [0, 1, 2].map((repeat) => ({
        repeat,
        parameters: { prefixRatio: 0.5 },
        arms: repeat === 1 ? ["round-robin", "kv"] : ["kv", "round-robin"],
      })),
      repeats: 3,
      settling: { maxBatches: 8, maxS: 30 },
    });
    const off = JSON.parse(await plan("--settle", "off", "--json")) as Printed;
    expect(off).toMatchObject({ settle: false, design: { repeats: 3 } });
    expect(off.design).not.toHaveProperty("settling");
  });

  test("settles nothing on the virtual clock", async () => {
    const virtual = await plan(...ON, "--clock", "virtual", "--json");
    expect((JSON.parse(virtual) as { design: Design }).design).not.toHaveProperty("settling");
    const args = [
      "run",
      ...TINY,
      ...ON,
      "--clock",
      "virtual",
      "--speedup",
      "1",
      "--out",
      "virtual",
    ];
    await dynbench(args, { cwd });
    expect(recordsOf("virtual", "settling")).toEqual([]);
    expect(recordsOf("virtual", "measured")).toHaveLength(10);
  });
});
