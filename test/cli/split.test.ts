/** Prefill and decode on different workers, through the binary: plan, live run, simulation, and their agreement. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import { parseRecords, type RequestRecord } from "../../core/contract/record.ts";
import { dynbench, emptyFolder, startDynbench } from "./binary.ts";

const cwd = emptyFolder();
const SPLIT = ["--prefill-workers", "2", "--decode-workers", "3"] as const;
const SMALL = [
  ...["--isl", "500", "--osl", "5", "--requests", "12", "--concurrency", "1"],
  ...["--prefix-ratio", "0.5", "--speedup", "50", "--router", "round-robin"],
  ...["--settle", "off"],
] as const;

async function run(clock: "wall" | "virtual"): Promise<Summary> {
  const args = ["run", ...SPLIT, ...SMALL, "--clock", clock, "--out", clock, "--json"];
  const end = await dynbench(args, { cwd });
  expect(end.left).toEqual([]);
  if (end.exitCode !== 0 && end.exitCode !== 5) throw new Error(end.stderr);
  return JSON.parse(end.stdout) as Summary;
}

function recordsOf(clock: string): RequestRecord[] {
  const records = parseRecords(readFileSync(join(cwd, clock, "records.jsonl"), "utf8"));
  return records.toSorted((a, b) => a.index - b.index);
}

describe("a run", () => {
  let both: { wall: Summary; virtual: Summary };
  beforeAll(async () => {
    both = { wall: await run("wall"), virtual: await run("virtual") };
  });

  test("live and simulated: the same picks, and the same cached tokens", () => {
    const work = (clock: string) =>
      recordsOf(clock).map(({ state, worker, prefillWorker, cachedTokens, osl }) => ({
        ...{ state, worker, prefillWorker, cachedTokens, osl },
      }));
    expect(work("wall")).toEqual(work("virtual"));
    expect(work("wall").slice(0, 3)).toMatchObject([
      { state: "ok", prefillWorker: "prefill-0", worker: "decode-0" },
      { state: "ok", prefillWorker: "prefill-1", worker: "decode-1" },
      { state: "ok", prefillWorker: "prefill-0", worker: "decode-2" },
    ]);
    expect(work("wall").some(({ cachedTokens }) => cachedTokens! > 0)).toBe(true);
    for (const { cells } of Object.values(both)) {
      expect(cells[0]!.workers.map(({ id, role, requests }) => [id, role, requests])).toEqual([
        ["prefill-0", "prefill", 6],
        ["prefill-1", "prefill", 6],
        ["decode-0", "decode", 4],
        ["decode-1", "decode", 4],
        ["decode-2", "decode", 4],
      ]);
    }
  });

  test("logs both picks of each request", () => {
    const lines = readFileSync(join(cwd, "wall", "decisions.jsonl"), "utf8")
      .trim()
      .split("\n");
    const stages = lines.map((line) => JSON.parse(line)).filter(({ cell }) => cell !== undefined);
    expect(stages.filter(({ stage }) => stage === "prefill")).toHaveLength(12);
    expect(stages.filter(({ stage }) => stage === "decode")).toHaveLength(12);
  });
});

test("the plan has the number of workers of each role", async () => {
  const { stdout } = await dynbench(["plan", ...SPLIT, ...SMALL], { cwd });
  expect(stdout).toMatch(/^ {2}prefill worker {2}x2: /m);
  expect(stdout).toMatch(/^ {2}decode worker {2}x3: /m);
});

test("up prints the workers with their roles, and serves requests", async () => {
  const running = startDynbench(["up", ...SPLIT], { cwd });
  await running.shows("Try it");
  const { stdout } = running.printed;
  expect(stdout).toMatch(/^prefill-1 {2}http:\S+ {2}prefill$/m);
  expect(stdout).toMatch(/^decode-2 {2}http:\S+ {2}decode$/m);
  const url = /^router kv {2}(\S+)$/m.exec(stdout)![1]!;
  const ping = await dynbench(["ping", url], { cwd });
  expect(ping.exitCode).toBe(0);
  running.signal("SIGINT");
  expect((await running.end()).left).toEqual([]);
});
