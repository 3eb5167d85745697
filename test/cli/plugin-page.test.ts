/**
 * docs/write-a-plugin.md as a stranger follows it: its code is saved under the names that it gives, its
 * commands are typed in an empty folder with the binary and no environment, and what it shows is printed.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, emptyFolder } from "./binary.ts";
import { inOrder } from "./in-order.ts";
import { blocksOf, expectShown, type Block } from "./page-blocks.ts";
import { typed } from "./typed.ts";

const ROOT = join(import.meta.dir, "../..");
const PAGE = join(ROOT, "docs/write-a-plugin.md");
const EXAMPLES = join(ROOT, "plugins/examples");
const root = emptyFolder();
const cwd = join(root, "work");
const home = join(root, "home");

beforeAll(() => {
  for (const folder of [cwd, home]) mkdirSync(folder);
  copyFileSync(binary(), join(cwd, "dynbench"));
});

const blocks = blocksOf(readFileSync(PAGE, "utf8"));

/** What a block prints when it is typed; one that is saved, or shown, prints nothing. */
async function followed({ kind, text, file }: Block): Promise<string> {
  if (kind === "ts" && file !== undefined) writeFileSync(join(cwd, file), text);
  return kind === "sh" ? await typed(text, { cwd, bin: cwd, home }) : "";
}

const follow = inOrder(blocks.map((block) => () => followed(block)));

describe.each([...Map.groupBy(blocks, ({ heading }) => heading)])("%s", (_heading, own) => {
  for (const block of own) {
    const { kind, text, file } = block;
    const at = blocks.indexOf(block);
    const lines = text.trimEnd().split("\n");
    if (kind === "ts" && file === undefined) {
      test(`shows a part of a file: ${lines[0]}`, () => expect(text).not.toMatch(/^import /m));
    } else if (kind === "ts") {
      test(`saves ${file}`, async () => {
        await follow(at);
        const example = join(EXAMPLES, file!);
        if (existsSync(example)) expect(text).toBe(readFileSync(example, "utf8"));
      });
    } else if (kind === "sh") {
      test(`types ${lines[0]}`, () => follow(at));
    } else if (kind === "") {
      const typedAt = blocks.findLastIndex((one, i) => i < at && one.kind === "sh");
      test(`prints ${lines.find((line) => line !== "…")}`, async () =>
        expectShown(await follow(typedAt), text));
    }
  }
});

test("every example is on the page, and nothing is saved twice", () => {
  const saved = blocks.flatMap(({ file }) => file ?? []);
  expect(new Set(saved).size).toBe(saved.length);
  const examples = [...new Bun.Glob("*.ts").scanSync(EXAMPLES)];
  expect(saved).toEqual(
    expect.arrayContaining(examples.filter((name) => !name.endsWith(".test.ts"))),
  );
});

describe("the table of the contract names every field of", () => {
  const page = readFileSync(PAGE, "utf8");
  test.each([
    ["engine", "export interface Engine<", "\n}"],
    ["router", "export type Router<", "\n  );"],
    ["workload", "export interface Workload<", "\n}"],
    ["reporter", "export interface ReporterHandle ", "\n}"],
  ])("%s", (kind, from, to) => {
    const contract = readFileSync(join(ROOT, `core/contract/${kind}.ts`), "utf8");
    const start = contract.indexOf(from);
    const text = contract.slice(start, contract.indexOf(to, start));
    const fields = [...text.matchAll(/^ +(?:readonly )?(\w+)\??[:(<]/gm)].map(([, name]) => name!);
    const parameters = ["kind", "options", "context", "plane", "router", "engine", "rows", "task"];
    const row = page.split("\n").find((line) => line.startsWith(`| ${kind} `))!;
    const wanted = new Set(fields.filter((name) => !parameters.includes(name)));
    expect(wanted.size).toBeGreaterThan(1);
    expect([...wanted].filter((name) => !row.includes(`\`${name}\``))).toEqual([]);
  });
});
