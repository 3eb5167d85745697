/**
 * The tables of keys and files from which the reference is made, beside real runs: each key of a
 * `summary.json` and each file of a run folder has a row, and each key with a row is in one of these
 * runs, or is named below with what it takes to see it.
 */
import { beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SUMMARY_SECTIONS } from "../../core/metrics/summary-keys.ts";
import { RUN_FILES } from "../../core/run/run-files.ts";
import { dynbench, emptyFolder, TINY_ENGINE, TINY_LOAD } from "./binary.ts";

const cwd = emptyFolder();
const row = (i: number) => ({
  timestamp: 200 * i,
  input_length: 1024,
  output_length: 8,
  hash_ids: [0, i + 1],
});
writeFileSync(
  join(cwd, "trace.jsonl"),
  Array.from({ length: 20 }, (_, i) => `${JSON.stringify(row(i))}\n`).join(""),
);

const TIERS = ["--tiers", "low=0.5:0,high=0.5:1", "--slo", "ttft=5000"];
const RUNS: Readonly<Record<string, readonly string[]>> = {
  live: [
    ...["run", ...TINY_ENGINE, ...TINY_LOAD, ...TIERS],
    ...["--router", "kv,round-robin", "--prompt-form", "text", "--settle", "on"],
  ],
  open: ["run", ...TINY_ENGINE, ...TINY_LOAD, "--rate", "200"],
  failing: [
    ...["run", "--workers", "2", ...TINY_LOAD, "--osl", "400"],
    ...["--router", "direct", "--timeout", "0.2", "--preflight", "off"],
  ],
  traced: [
    ...["run", "--clock", "virtual", "--router", "kv,round-robin", "--repeat", "3"],
    ...["--until", "5%", "--max-repeat", "5", "--workload", "mooncake", "--trace", "trace.jsonl"],
  ],
  tiers: ["run", "--clock", "virtual", "--prefix-ratio", "0.5", ...TIERS],
  split: [
    ...["run", "--clock", "virtual", ...TINY_LOAD],
    ...["--prefill-workers", "1", "--decode-workers", "1"],
  ],
};
/** What these runs do not have, and what it takes. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "Requests: aborted": "an interrupt",
  "Metrics: tokensPerChunk": "an engine that sends several tokens at once",
  "Client: clockStepMs": "a machine whose clock is set",
};

/** Objects whose keys are the user's own. */
const OPEN = /(^|\.)parameters$/;

beforeAll(() => {
  const runs = Object.entries(RUNS).map(async ([name, words]) => {
    const { exitCode, stderr } = await dynbench([...words, "--out", name], { cwd });
    expect([0, 4, 5], stderr).toContain(exitCode!);
  });
  return Promise.all(runs);
});

test("every file of a run folder has a row", () => {
  const named = new Set(RUN_FILES.flatMap(({ name }) => name.replaceAll("/", "").split(", ")));
  const entries = Object.keys(RUNS).flatMap((name) => readdirSync(join(cwd, name)));
  expect(entries.length).toBeGreaterThan(0);
  expect(entries.filter((entry) => !named.has(entry))).toEqual([]);
});

test("every key has a row, and every row is a key", async () => {
  const seen = new Set<string>();
  const without = new Set<string>();
  const sectionOf = (path: string) => SUMMARY_SECTIONS.find(({ paths }) => paths.includes(path));
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null || OPEN.test(path)) return;
    if (Array.isArray(value)) return value.forEach((item) => walk(item, `${path}[]`));
    const section = sectionOf(path);
    for (const [key, inner] of Object.entries(value)) {
      if (section && key in section.keys) seen.add(`${section.title}: ${key}`);
      else without.add(`${path}.${key}`);
      walk(inner, path === "" ? key : `${path}.${key}`);
    }
  };
  for (const name of Object.keys(RUNS)) {
    walk(JSON.parse(readFileSync(join(cwd, name, "summary.json"), "utf8")), "");
  }
  await dynbench(["report", "live", "traced"], { cwd });
  walk(JSON.parse(readFileSync(join(cwd, "live/compare/summary.json"), "utf8")), "");
  expect([...without]).toEqual([]);
  const rows = SUMMARY_SECTIONS.flatMap(({ title, keys }) =>
    Object.keys(keys).map((key) => `${title}: ${key}`),
  );
  expect(rows.filter((one) => !seen.has(one))).toEqual(Object.keys(ELSEWHERE));
});
