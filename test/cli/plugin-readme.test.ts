/**
 * plugins/README.md as a stranger follows it: its code is saved under the names it says, its commands
 * are typed in an empty folder with the binary and no environment, and what it shows is what is printed.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, emptyFolder } from "./binary.ts";
import { inOrder } from "./in-order.ts";
import { typed } from "./typed.ts";

const PLUGINS = join(import.meta.dir, "../../plugins");
const root = emptyFolder();
const cwd = join(root, "work");
const home = join(root, "home");

beforeAll(() => {
  for (const folder of [cwd, home]) mkdirSync(folder);
  copyFileSync(binary(), join(cwd, "dynbench"));
});

interface Block {
  readonly heading: string;
  /** `ts`, `sh`, or nothing for what is printed. */
  readonly kind: string;
  readonly text: string;
  /** Under which it is to be saved: what the words before it say. */
  readonly file: string | undefined;
}

const blocks = blocksOf(readFileSync(join(PLUGINS, "README.md"), "utf8"));

function blocksOf(text: string): Block[] {
  const found: Block[] = [];
  let heading = "";
  let file: string | undefined;
  for (const [part, kind, body, name] of text.matchAll(
    /^```(\w*)\n([\s\S]*?)^```$|^## .*$|Save this as `([\w.-]+)`/gm,
  )) {
    if (body !== undefined) {
      found.push({ heading, kind: kind!, text: body, file });
      file = undefined;
    } else if (name === undefined) heading = part.slice(3);
    else file = name;
  }
  return found;
}

/** Lines are printed one after the other; a line of dots stands for any number of others. */
function expectShown(printed: string, shown: string): void {
  const [first = "", ...rest] = shown.split(/^…\n/m);
  let from = printed.indexOf(first);
  expect(printed).toContain(first);
  for (const part of [first, ...rest]) {
    const at = printed.indexOf(part, from);
    expect(printed.slice(from)).toContain(part);
    from = at + part.length;
  }
}

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
        const example = join(PLUGINS, "examples", file!);
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
  const examples = [...new Bun.Glob("*.ts").scanSync(join(PLUGINS, "examples"))];
  expect(saved).toEqual(
    expect.arrayContaining(examples.filter((name) => !name.endsWith(".test.ts"))),
  );
});

describe("the table of the contract names every field of", () => {
  const contract = readFileSync(join(PLUGINS, "../core/plugin.ts"), "utf8");
  const page = readFileSync(join(PLUGINS, "README.md"), "utf8");
  test.each([
    ["engine", "export interface Engine<", "\n}"],
    ["router", "export type Router<", "\n  );"],
    ["workload", "export interface Workload<", "\n}"],
    ["reporter", "export interface ReporterHandle ", "\n}"],
  ])("%s", (kind, from, to) => {
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
