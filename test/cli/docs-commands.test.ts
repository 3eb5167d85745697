/**
 * Every command of dynbench in README.md and docs/ is one that the binary takes, and what a page shows
 * below a command of the virtual clock, or a plan, is what is printed today.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { judgeTokens } from "../../core/cli/options/arguments.ts";
import { readCommandLine } from "../../core/cli/options/command-line.ts";
import { commandWords, type CommandWords } from "../../core/cli/commands/command-words.ts";
import { isNamed } from "../../core/plan/option-spec.ts";
import { TRACE_FORMATS } from "../../plugins/shared/traces/trace-formats.ts";
import { writeSmallTokenizer } from "../core/prompt/small-tokenizer.ts";
import { dynbench, emptyFolder, type Outcome } from "./binary.ts";
import { blocksOf, callsOf, expectShown } from "./page-blocks.ts";

const ROOT = join(import.meta.dir, "../..");
const COMMAND_WORDS = commandWords(TRACE_FORMATS);
/** Commands of this page are typed by a test of its own, in the order in which it gives them. */
const TYPED = "docs/write-a-plugin.md";
const AT_ONCE = 3;

const cwd = emptyFolder();
const pages = ["README.md", "CONTRIBUTING.md", ...new Bun.Glob("docs/**/*.md").scanSync(ROOT)]
  .filter((path) => path !== TYPED)
  .toSorted();
const calls = pages.flatMap((page) =>
  blocksOf(readFileSync(join(ROOT, page), "utf8"))
    .filter(({ kind }) => kind === "sh")
    .flatMap(({ text }) => callsOf(text))
    .map((words) => ({ page, words, line: `${page}: dynbench ${words.join(" ")}` })),
);
/** What would start or measure something is asked for its plan instead. */
const planned = calls.filter(({ words: [name] }) => COMMAND_WORDS[name as "run"]?.takesRun);
const others = calls.filter((call) => !planned.includes(call));

beforeAll(writeFiles);

/** The files that the commands name. */
async function writeFiles(): Promise<void> {
  const row = (i: number) => ({
    timestamp: 1000 * i,
    input_length: 1024,
    output_length: 10,
    hash_ids: [0, i + 1],
  });
  const rows = Array.from({ length: 20 }, (_, i) => `${JSON.stringify(row(i))}\n`).join("");
  for (const name of ["trace", "conversation", "1000"]) {
    writeFileSync(join(cwd, `mooncake_${name}.jsonl`), rows);
  }
  for (const name of ["TinyLlama_v1.1", "Llama-3.1-8B"]) {
    writeSmallTokenizer(join(cwd, "models", name), "llama3");
  }
  copyFileSync(join(ROOT, "plugins/examples/longest-prefix.ts"), join(cwd, "longest-prefix.ts"));
  const plan = await dynbench(["plan", "--json", "--prefix-ratio", "0.5"], { cwd });
  writeFileSync(join(cwd, "plan.json"), plan.stdout);
}

describe("a plan is made of", () => {
  const answer = answersTo(planned.map(({ words }) => planOf(words)));

  test.each(planned)("$line", async ({ words }) => {
    const { exitCode, stdout, stderr } = await answer(planOf(words));
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Plan: |^\{/);
  });
});

/** Asks the binary before the tests of a group, a few questions at once and none twice. */
function answersTo(
  questions: readonly (readonly string[])[],
): (words: readonly string[]) => Promise<Outcome> {
  const answers = new Map<string, Promise<Outcome>>();
  const ask = (words: readonly string[]): Promise<Outcome> => {
    const key = words.join(" ");
    if (!answers.has(key)) answers.set(key, dynbench(words, { cwd }));
    return answers.get(key)!;
  };
  beforeAll(async () => {
    const queue = [...questions];
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next; next = queue.shift()) await ask(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  });
  return ask;
}

/**
 * The same options for `plan`; a port is an option of `up` alone, and nothing comes on standard input.
 * Few requests, because a plan simulates its run to tell how long it will take.
 */
function planOf([name, ...typed]: readonly string[]): string[] {
  const words = withoutOwn(name!, typed);
  const options = words.map((word, i) => {
    if (word === "-" && words[i - 1] === "--trace") return "mooncake_trace.jsonl";
    return word.startsWith("~/") ? join(cwd, word.slice(2)) : word;
  });
  const at = options.indexOf("--port");
  const isSized = options.some((word) => /^--((num-)?requests|config)$/.test(word));
  const few = isSized ? [] : ["--requests", "4"];
  return ["plan", ...few, ...(at < 0 ? options : options.toSpliced(at, 2))];
}

/** Without the options, each with a value, that a command has beside those of a run. */
function withoutOwn(name: string, words: readonly string[]): string[] {
  const own = COMMAND_WORDS[name as "run"].options.map(({ flag }) => `--${flag}`);
  const isOwn = (word: string | undefined): boolean => word !== undefined && own.includes(word);
  return words.filter((word, i) => !isOwn(word) && !isOwn(words[i - 1]));
}

test.each(others)("known words and options: $line", ({ words: [name, ...rest] }) => {
  if (name === "--version") return expect(rest).toEqual(["--json"]);
  const command: CommandWords | undefined = COMMAND_WORDS[name as keyof typeof COMMAND_WORDS];
  expect(command).toBeDefined();
  const verb = command.verbs === undefined ? command : command.verbs[rest[0]!];
  expect(verb).toBeDefined();
  const { tokens } = readCommandLine([name!, ...(command.verbs ? rest.slice(1) : rest)]);
  const { options, words, faults } = judgeTokens(tokens, [{ kind: "", specs: verb!.options }]);
  expect(faults).toEqual([]);
  const unknown = options.filter(
    (option) => !verb!.options.some((spec) => isNamed(spec, option.name)),
  );
  expect(unknown).toEqual([]);
  if (!verb!.repeats && name !== "plugin") {
    expect(words.length).toBeLessThanOrEqual(verb!.words.length);
  }
});

test("the pages have commands of every kind", () => {
  const kinds = new Set(calls.map(({ words: [name] }) => name));
  expect(Object.keys(COMMAND_WORDS).filter((name) => !kinds.has(name))).toEqual(["plugin"]);
});

/** Shown below a single command whose output does not depend on the machine or on files. */
const shown = pages.flatMap((page) => {
  const blocks = blocksOf(readFileSync(join(ROOT, page), "utf8"));
  return blocks.flatMap(({ kind, text }, i) => {
    const [words, ...more] = kind === "sh" ? callsOf(text) : [];
    const output = blocks[i + 1]?.kind === "" ? blocks[i + 1]!.text : undefined;
    if (!words || more.length > 0 || output === undefined || words.includes("--trace")) return [];
    const isExact = words[0] === "plan" || words.join(" ").includes("--clock virtual");
    return isExact ? [{ words, output, line: `${page}: dynbench ${words.join(" ")}` }] : [];
  });
});

describe("what is shown is printed", () => {
  const answer = answersTo(shown.map(({ words }) => words));

  test("on several pages", () => expect(shown.length).toBeGreaterThanOrEqual(4));

  test.each(shown)("$line", async ({ words, output }) => {
    const { exitCode, stdout } = await answer(words);
    expect(exitCode).toBe(0);
    expectShown(stdout, output);
  });
});
