/** What a run claims, and how long it goes on to claim it: black box, on the virtual clock. */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "../../core/contract/result.ts";
import { parseRecords } from "../../core/contract/record.ts";
import { dynbench, emptyFolder } from "./binary.ts";

const cwd = emptyFolder();
const SMALL = ["--clock", "virtual", "--prefix-ratio", "0.9", "--requests", "100", "--isl", "4000"];

async function run(out: string, ...args: string[]): Promise<{ summary: Summary; stdout: string }> {
  const end = await dynbench(["run", ...SMALL, "--out", out, ...args], { cwd });
  if (end.exitCode !== 0) throw new Error(`exit code ${end.exitCode}: ${end.stderr}`);
  const summary = JSON.parse(readFileSync(join(cwd, out, "summary.json"), "utf8")) as Summary;
  return { summary, stdout: end.stdout };
}

const cellsOf = (out: string): Set<string> =>
  new Set(
    parseRecords(readFileSync(join(cwd, out, "records.jsonl"), "utf8")).map(({ cell }) => cell),
  );

test("one repeat claims nothing: no star, no win, and what would decide", async () => {
  const { summary, stdout } = await run("one", "--router", "kv,round-robin");
  expect(summary.schemaVersion).toBe(2);
  expect(new Set(summary.comparisons.map(({ claim }) => claim))).toEqual(new Set(["none"]));
  expect(summary.control).toMatchObject({ a: "round-robin", b: "round-robin-again" });
  expect(summary.best).toBeUndefined();
  expect(stdout).toContain("One repeat decides nothing");
  expect(stdout).toContain("--repeat 3 and more can show a difference");
  expect(stdout).not.toContain("*");
  expect(stdout).not.toContain("wins");
});

test("three repeats claim a difference, adjusted for how many there are, and the control agrees", async () => {
  const { summary, stdout } = await run("three", "--router", "kv,round-robin", "--repeat", "3");
  const [primary, ...others] = summary.comparisons;
  expect(primary).toMatchObject({
    metric: "ttftMs.mean",
    role: "primary",
    claim: "lower",
    adjusted: { over: 1 },
    unitOfN: "repeats",
  });
  expect(others.every(({ role, adjusted }) => role === "secondary" && adjusted.over > 1)).toBe(
    true,
  );
  expect(summary.best).toEqual([{ parameters: { prefixRatio: 0.9 }, arms: ["kv"] }]);
  expect(summary.control!.agrees).toBe(true);
  expect(stdout).toContain("kv wins: its mean TTFT is");
  expect(stdout).toMatch(/^kv {2}0\.\d\d \(0\.\d\d–0\.\d\d\) \*$/m);
  expect(stdout).toContain("Control: round-robin-again is round-robin measured a second time");
});

describe("--until decided", () => {
  test("ends after the first block where the difference is large, and the report is the same again", async () => {
    const { summary } = await run("until", "--router", "kv,round-robin", "--until", "decided");
    expect(summary.until).toEqual({ rule: "decided", repeats: 3, isMet: true });
    expect(summary.design).toMatchObject({ repeats: 3 });
    expect(summary.verdict.state).toBe("trusted");
    expect(cellsOf("until").size).toBe(9);
    const end = await dynbench(["report", "until"], { cwd });
    expect(end.exitCode).toBe(0);
    const again = readFileSync(join(cwd, "until/summary.json"), "utf8");
    expect(JSON.parse(again)).toEqual(JSON.parse(JSON.stringify(summary)));
  });

  test("resumed, ends where it would have ended", async () => {
    const { summary } = await run("killed", "--router", "kv,round-robin", "--until", "decided");
    const outcomes = join(cwd, "killed/cells.jsonl");
    const lines = readFileSync(outcomes, "utf8").split("\n");
    writeFileSync(outcomes, `${lines.slice(0, 5).join("\n")}\n`); // in its sixth cell
    for (const _ of ["what is left of it", "nothing"]) {
      const end = await dynbench(["run", "--resume", "killed", "--json"], { cwd });
      expect(end.exitCode).toBe(0);
      expect(JSON.parse(end.stdout)).toEqual(JSON.parse(JSON.stringify(summary)));
    }
  });

  test("goes on to --max-repeat where there is none, and says that it was not decided", async () => {
    const args = ["--router", "random,power-of-two", "--until", "decided", "--max-repeat", "5"];
    const { summary, stdout } = await run("open", "--isl", "500", ...args);
    expect(summary.until).toEqual({ rule: "decided", repeats: 5, isMet: false });
    expect(stdout).toContain("It was not decided in 5 repeats.");
    expect(cellsOf("open").size).toBe(15);
  });
});

test("plan prints the repeats, the control and what differences need", async () => {
  const plan = async (...args: string[]): Promise<string> =>
    (
      await dynbench(["plan", "--router", "kv,round-robin", "--prefix-ratio", "0.9", ...args], {
        cwd,
      })
    ).stdout;
  const text = await plan();
  expect(text).toContain("Plan: 2 arms and a control x 1 point x 3 repeats = 9 cells");
  expect(text).toMatch(
    /to claim a difference in mean TTFT: 30 % takes \d+, 10 % \d+, 3 % \d+, 1 % \d+ repeats/,
  );
  expect(await plan("--until", "2%")).toContain(
    "3 repeats and then 2 at a time until known within 2 %, at most 30, = 90 cells",
  );
});
