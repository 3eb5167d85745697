/** plugins/shared/dynamo/guide.md: every command on it is one that the binary takes. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { dynbench, emptyFolder } from "./binary.ts";

const page = readFileSync(join(import.meta.dir, "../../plugins/shared/dynamo/guide.md"), "utf8");
const commands = [...page.matchAll(/^\.\/dynbench (.*)$/gm)].map(([, words]) => words!.split(" "));
const cwd = emptyFolder();
const row = (i: number) => ({
  timestamp: 1000 * i,
  input_length: 1024,
  output_length: 10,
  hash_ids: [0, i + 1],
});
writeFileSync(
  join(cwd, "mooncake_trace.jsonl"),
  Array.from({ length: 20 }, (_, i) => `${JSON.stringify(row(i))}\n`).join(""),
);

test("the page has commands of every kind", () => {
  const kinds = new Set(commands.map(([kind]) => kind));
  expect(kinds).toEqual(new Set(["doctor", "ping", "report", "run", "up"]));
});

/** What would start, or measure, is asked for its plan instead. */
const planned = commands.filter(([kind]) => kind === "run" || kind === "up");

test.each(planned.map((words) => [words.join(" "), words] as const))(
  "%s",
  async (_line, [, ...options]) => {
    // A port is an option of `up` alone.
    const at = options.indexOf("--port");
    const rest = at < 0 ? options : options.toSpliced(at, 2);
    const { exitCode, stdout, stderr } = await dynbench(["plan", ...rest], { cwd });
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toStartWith("Plan: ");
  },
);

test.each(["doctor", "ping", "report"])("%s is a command", async (name) => {
  expect((await dynbench([name, "--help"], { cwd })).exitCode).toBe(0);
});
