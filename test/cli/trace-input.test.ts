/** Input files of a plan, through the built binary: digests, standard input, changes. */
import { expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Plan } from "../../core/contract/plan.ts";
import { dynbench, emptyFolder, startDynbench, until } from "./binary.ts";

const cwd = emptyFolder();
const run = (...args: string[]) => dynbench(args, { cwd });
const piped = (file: string, ...args: string[]) =>
  dynbench(args, { cwd, wrapper: ["sh", "-c", `"$0" "$@" < ${file}`] });
const planOf = (folder: string): Plan =>
  JSON.parse(readFileSync(join(cwd, folder, "plan.json"), "utf8"));

const TRACE = Array.from({ length: 20 }, (_, i) =>
  JSON.stringify({ timestamp: i * 10, input_length: 600, output_length: 2, hash_ids: [0, i] }),
).join("\n");
const DIGEST = createHash("sha256").update(TRACE).digest("hex");
writeFileSync(join(cwd, "t.jsonl"), TRACE);
const ASK = ["--workload", "mooncake", "--clock", "virtual", "--workers", "2", "--router", "kv"];

test("standard input is kept in the run folder, for a resumed run", async () => {
  const first = await piped("t.jsonl", "run", ...ASK, "--trace", "-", "--out", "piped");
  expect(first.exitCode).toBe(0);
  expect(first.stderr).toContain(`read ${TRACE.length} bytes from standard input`);
  expect(readFileSync(join(cwd, "piped/stdin"), "utf8")).toBe(TRACE);
  expect(planOf("piped").files).toEqual([{ path: "-", bytes: TRACE.length, sha256: DIGEST }]);
  renameSync(join(cwd, "piped"), join(cwd, "moved"));
  const rebuilt = await run("report", "moved", "--json");
  const resumed = await run("run", "--resume", "moved", "--json");
  expect(JSON.parse(rebuilt.stdout).cells[0].requests.ok).toBe(20);
  expect(resumed.stdout).toBe(rebuilt.stdout);
});

test("an invalid trace leaves no folder behind", async () => {
  writeFileSync(join(cwd, "empty"), "");
  const end = await piped("empty", "run", ...ASK, "--trace", "-", "--out", "nothing");
  expect(end.exitCode).toBe(2);
  expect(end.stderr).toContain("there is no row in it");
  expect(existsSync(join(cwd, "nothing"))).toBe(false);
});

test("a saved plan reports that its trace is another one, and goes on", async () => {
  writeFileSync(join(cwd, "changing.jsonl"), TRACE);
  const planned = await run("plan", ...ASK, "--trace", "changing.jsonl", "--json");
  writeFileSync(join(cwd, "plan.json"), planned.stdout);
  const same = await run("run", "--config", "plan.json", "--out", "same");
  expect(same.stderr).not.toContain("is not what the plan was made with");
  expect(planOf("same").files).toEqual([
    { path: "changing.jsonl", bytes: TRACE.length, sha256: DIGEST },
  ]);

  appendFileSync(join(cwd, "changing.jsonl"), "\n");
  const changed = await run("run", "--config", "plan.json", "--out", "changed");
  expect(changed.exitCode).toBe(0);
  expect(changed.stderr).toContain("changing.jsonl is not what the plan was made with");
  expect(planOf("changed").files![0]!.bytes).toBe(TRACE.length + 1);

  const resumed = await run("run", "--resume", "same");
  expect(resumed.exitCode).toBe(2);
  expect(resumed.stderr).toContain("Restore the old file");
  const reported = await run("report", "same");
  expect(reported.stderr).toContain("changing.jsonl is not what the plan was made with");
});

test("the plan shows the files that it read", async () => {
  const { stdout } = await piped("t.jsonl", "plan", ...ASK, "--trace", "-");
  expect(stdout).toMatch(/standard input: 1\d{3} bytes, SHA-256 [0-9a-f]{12}…/);
});

test("an interrupt while standard input is read leaves no file", async () => {
  const tmp = join(cwd, "tmp");
  mkdirSync(tmp);
  const run = startDynbench(["run", ...ASK, "--trace", "-", "--out", "cut"], {
    cwd,
    env: { TMPDIR: tmp },
    wrapper: ["sh", "-c", 'mkfifo pipe && exec "$0" "$@" <> pipe'], // never ends
  });
  const held = () => readdirSync(tmp).filter((name) => name.startsWith("dynbench-stdin-"));
  expect(await until(() => held().length > 0, 20_000)).toBe(true);
  run.signal("SIGINT");
  expect((await run.end()).exitCode).toBe(130);
  expect(held()).toEqual([]);
  expect(existsSync(join(cwd, "cut"))).toBe(false);
});
