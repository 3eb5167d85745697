/** The life of a plugin with the binary alone: created, tested, added, run, packed, removed. */
import { beforeAll, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PLUGIN_HELP, VERB_HELP } from "../../core/cli/text/plugin-help.ts";
import { API_VERSION } from "../../core/contract/plugin.ts";
import { binary, dynbench, emptyFolder, type Outcome } from "./binary.ts";

const root = emptyFolder();
const cwd = join(root, "work");
const home = join(root, "home");
const copy = join(root, "dynbench");
const packages = join(home, ".local/share/dynbench/plugins");

beforeAll(() => {
  for (const folder of [cwd, home]) mkdirSync(folder);
  copyFileSync(binary(), copy);
});

const alone = (...args: string[]) =>
  dynbench(args, { cwd, binary: copy, isBare: true, env: { HOME: home } });
/** One at a time for each worker, so that a router has something to see. */
const SMALL = [
  ...["--workers", "2", "--isl", "500", "--osl", "5", "--requests", "10"],
  ...["--prefix-ratio", "0.5", "--concurrency", "2"],
];

describe.each([
  ["router", "favourite", ["--router", "favourite"]],
  ["engine", "servers", ["--engine", "servers", "--preflight", "off", "--router", "direct"]],
  ["workload", "table", ["--workload", "table", "--file", "table/requests.csv"]],
  ["reporter", "words", []],
] as const)("a %s", (kind, name, chosen) => {
  let made: Outcome;
  beforeAll(async () => {
    made = await alone("plugin", "new", kind, name);
  });

  test("is created with its test, which passes with nothing installed", async () => {
    expect(made.exitCode).toBe(0);
    expect(readdirSync(join(cwd, name))).toContain(`${name}.test.ts`);
    const tested = await alone("plugin", "test", name);
    expect(tested.exitCode).toBe(0);
    expect(tested.stderr + tested.stdout).toContain(" 0 fail");
  });

  test("is added, listed, run by every command, and removed", async () => {
    expect((await alone("plugin", "add", `./${name}`)).stdout).toBe(
      `Added ${name} 0.1.0: ${kind} ${name}\n`,
    );
    expect((await alone("plugin", "list")).stdout).toContain(`(package ${name} 0.1.0)`);
    const size = kind === "workload" ? ["--workers", "2"] : SMALL;
    // Real servers have no model of themselves.
    const clock = kind === "engine" ? "wall" : "virtual";
    const out = ["--clock", clock, "--out", `run-${name}`];
    const ran = await alone("run", ...chosen, ...size, ...out);
    expect([0, clock === "wall" ? 5 : 0]).toContain(ran.exitCode!);
    expect(ran.left).toEqual([]);
    if (kind === "reporter") {
      expect(readFileSync(join(cwd, `run-${name}/results.md`), "utf8")).toContain("| kv |");
    }
    const without = await alone("plugin", "show", name, "--no-plugins");
    expect(without.exitCode).toBe(2);
    expect((await alone("plugin", "remove", name)).stdout).toBe(`Removed ${name} 0.1.0\n`);
    expect((await alone("plugin", "show", name)).exitCode).toBe(2);
  });
});

test("is packed into one file that runs elsewhere", async () => {
  await alone("plugin", "new", "router", "carried");
  expect((await alone("plugin", "pack", "./carried", "--out", "c.js")).exitCode).toBe(0);
  const ran = await alone(
    "run",
    "--plugin",
    "./c.js",
    "--router",
    "carried",
    ...SMALL,
    "--clock",
    "virtual",
  );
  expect(ran.exitCode).toBe(0);
});

test("a file named for one run stands in for the added one of its name, and reports it", async () => {
  await alone("plugin", "new", "router", "tried");
  await alone("plugin", "add", "./tried");
  const file = join(cwd, "tried/tried.ts");
  writeFileSync(file, readFileSync(file, "utf8").replace("unless it is full", "come what may"));
  const args = ["show", "tried"];
  expect((await alone("plugin", ...args)).stdout).toContain("unless it is full");
  const shown = await alone("plugin", ...args, "--plugin", file);
  expect(shown.stdout).toContain("come what may");
  expect(shown.stdout).not.toContain("unless it is full");
  expect(shown.stderr).toBe(`The router "tried" comes from ${file}, not from tried 0.1.0\n`);
  const bundled = await alone("plugin", ...args, "--plugin", kvFile());
  expect(bundled.stderr).toContain('the name router "kv" is taken (bundled)');
  await alone("plugin", "remove", "tried");

  function kvFile(): string {
    const path = join(cwd, "kv.ts");
    writeFileSync(path, readFileSync(file, "utf8").replace('name: "tried"', 'name: "kv"'));
    return path;
  }
});

test("its new name replaces the example's in code, test and text", async () => {
  await alone("plugin", "new", "router", "renamed");
  for (const file of ["renamed.ts", "renamed.test.ts", "README.md", "package.json"]) {
    const text = readFileSync(join(cwd, "renamed", file), "utf8");
    expect(text).toContain("renamed");
    expect(text).not.toContain("longest-prefix");
  }
});

describe("help", () => {
  test.each(Object.entries(VERB_HELP))("of %s says how it is used", (verb, text) => {
    expect(text).toStartWith(`Usage: dynbench plugin ${verb}`);
    expect(PLUGIN_HELP).toContain(`dynbench plugin ${verb}`);
    const longest = Math.max(...text.split("\n").map((line) => line.length));
    expect(longest).toBeLessThanOrEqual(100);
  });

  test("is printed for a missing verb, and for a verb that asks for it", async () => {
    const none = await alone("plugin");
    expect(none).toMatchObject({ exitCode: 2, stdout: PLUGIN_HELP });
    const asked = await alone("plugin", "new", "--help");
    expect(asked).toMatchObject({ exitCode: 0, stdout: VERB_HELP.new });
    const half = await alone("plugin", "new", "router");
    expect(half.stderr).toContain("a word is missing\nUsage: dynbench plugin new KIND NAME\n");
  });
});

describe("what cannot be added leaves nothing and is reported in a message", () => {
  /** A package of one file. */
  const packageOf = (name: string, source: string): string => {
    const folder = join(cwd, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "index.js"), source);
    const manifest = { name, version: "1.0.0", type: "module", exports: "./index.js" };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    return `./${name}`;
  };
  const ROUTER = (name: string, api: number): string =>
    `import { v } from "dynbench"; export default { kind: "router", apiVersion: ${api}, name: "${name}", ` +
    `summary: "x", plane: "http", options: v.strictObject({}), traits: () => ({ accepts: ["ids"], affinity: false, ` +
    `spreads: false, kvEvents: false }), policy: () => ({ pick: () => 0 }) };`;

  test.each([
    ["nothing-there", () => "./nothing-there", "there is no such file or folder"],
    ["metacharacter", () => "a;rm -rf x", "it is neither the name of a package nor a path"],
    ["no-plugin", () => packageOf("no-plugin", "export default 5;"), "no-plugin"],
    ["throws", () => packageOf("throws", 'throw new Error("boo");'), "boo"],
    [
      "newer",
      () => packageOf("newer", ROUTER("newer", API_VERSION + 1)),
      "version 3 of the plugin contract",
    ],
    ["taken", () => packageOf("taken", ROUTER("kv", API_VERSION)), "kv"],
  ])("%s", async (name, make, words) => {
    const { exitCode, stderr, left } = await alone("plugin", "add", make());
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
    expect(left).toEqual([]);
    expect(existsSync(join(packages, name))).toBe(false);
  });

  test("a package that breaks later is left out, reported, and harms no other command", async () => {
    await alone("plugin", "add", packageOf("fragile", ROUTER("fragile", API_VERSION)));
    const found = new Bun.Glob("**/fragile/**/index.js").scanSync({
      cwd: packages,
      followSymlinks: true,
    });
    for (const file of found) writeFileSync(join(packages, file), "export default {");
    const listed = await alone("plugin", "list");
    expect(listed.exitCode).toBe(0);
    expect(listed.stderr).toContain("Added plugin fragile 1.0.0 is not loaded");
    const asked = await alone("plan", "--router", "fragile");
    expect(asked.exitCode).toBe(2);
    expect((await alone("plugin", "remove", "fragile")).exitCode).toBe(0);
  });
});
