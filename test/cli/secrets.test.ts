/** Secrets after a lone `--` and in variables that dynbench sets: never in a file or on a screen. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../core/contract/plan.ts";
import { dynbench, emptyFolder, type Outcome } from "./binary.ts";
import { misbehave } from "./servers.ts";

const cwd = emptyFolder();
const ENGINE = `
import { defineEngine, v } from "dynbench";

export default defineEngine({
  name: "locked",
  summary: "A running worker, and a process that is given secrets",
  options: v.strictObject({ at: v.pipe(v.string(), v.description("URL of the worker")) }),
  planes: ["http"],
  takesArguments: true,
  processes: () => [{ name: "guard", command: ["sleep", "60"], env: { GUARD_TOKEN: "s3cret" } }],
  start: async ({ at }, _plane, { processes, engineArgs }) => {
    const guard = await processes.startForeign("guard", ["sh", "-c", "sleep 60", ...engineArgs], {
      env: { GUARD_TOKEN: "s3cret" },
    });
    return {
      workers: [{ id: "worker-0", url: at, role: "aggregated", blockSize: 64 }],
      servedModelName: "null",
      facts: { command: ["guard", ...engineArgs], apiKey: "s3cret" },
      [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose](),
    };
  },
});
`;
writeFileSync(join(cwd, "locked.ts"), ENGINE);
const url = misbehave({});
const OPTIONS = [
  ...["--plugin", "locked.ts", "--engine", "locked", "--at", url, "--router", "direct"],
  ...["--preflight", "off", "--isl", "100", "--osl", "3", "--requests", "5"],
  ...["--prefix-ratio", "0.5"],
];
const SECRETS = ["--", "--seed", "1", "--api-key", "s3cret", "--hf-token=s3cret"];

function shows(end: Outcome, exitCodes: readonly number[]): void {
  expect(exitCodes).toContain(end.exitCode!);
  expect(`${end.stdout}${end.stderr}`).not.toContain("s3cret");
  expect(end.left).toEqual([]);
}

test("a plan masks them, in text and as JSON", async () => {
  const text = await dynbench(["plan", ...OPTIONS, ...SECRETS], { cwd });
  shows(text, [0]);
  expect(text.stdout).toContain("engine arguments: --seed 1 --api-key *** --hf-token=***");
  expect(text.stdout).toContain("GUARD_TOKEN=*** sleep 60");
  shows(await dynbench(["plan", ...OPTIONS, "--json", ...SECRETS], { cwd }), [0]);
});

test("a run stores none of them, and resumes when they are given again", async () => {
  shows(await dynbench(["run", ...OPTIONS, "--out", "r", ...SECRETS], { cwd }), [0, 5]);
  const grep = Bun.spawnSync(["grep", "-r", "s3cret", join(cwd, "r")]);
  expect(grep.stdout.toString()).toBe("");
  const plan = JSON.parse(readFileSync(join(cwd, "r/plan.json"), "utf8")) as Plan;
  expect(plan.engineArgs).toEqual(["--seed", "1", "--api-key", "***", "--hf-token=***"]);

  const saved = ["run", "--config", "r/plan.json", "--out", "again"];
  const without = await dynbench(saved, { cwd });
  shows(without, [2]);
  expect(without.stderr).toContain("-- --seed 1 --api-key VALUE --hf-token=VALUE");
  shows(await dynbench([...saved, ...SECRETS], { cwd }), [0, 5]);
});

test("arguments that no engine takes are refused without being shown", async () => {
  shows(await dynbench(["plan", ...SECRETS], { cwd }), [2]);
});
