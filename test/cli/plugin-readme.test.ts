/**
 * plugins/README.md as a stranger follows it: its code is saved under the names it says, its commands
 * are typed in an empty folder with the binary and no environment, and what it shows is what is printed.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, emptyFolder } from "./binary.ts";
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
  /** The last file that the words before it name. */
  readonly file: string | undefined;
}

const blocks = blocksOf(readFileSync(join(PLUGINS, "README.md"), "utf8"));

function blocksOf(text: string): Block[] {
  const found: Block[] = [];
  let heading = "";
  let file: string | undefined;
  for (const [part, kind, body] of text.matchAll(
    /^```(\w*)\n([\s\S]*?)^```$|^## .*$|`[\w.-]+\.ts`/gm,
  )) {
    if (body !== undefined) found.push({ heading, kind: kind!, text: body, file });
    else if (part.startsWith("## ")) heading = part.slice(3);
    else file = part.slice(1, -1);
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

describe.each([...Map.groupBy(blocks, ({ heading }) => heading)])("%s", (_heading, own) => {
  let printed = "";
  for (const { kind, text, file } of own) {
    const lines = text.trimEnd().split("\n");
    if (kind === "ts") {
      test(`saves ${file}`, () => {
        writeFileSync(join(cwd, file!), text);
        const example = join(PLUGINS, "examples", file!);
        if (existsSync(example)) expect(text).toBe(readFileSync(example, "utf8"));
      });
    } else if (kind === "sh") {
      test(`types ${lines[0]}`, async () => {
        printed = await typed(text, { cwd, bin: cwd, home });
      });
    } else if (kind === "") {
      test(`prints ${lines.find((line) => line !== "…")}`, () => expectShown(printed, text));
    }
  }
});

test("every example is on the page, and nothing is saved twice", () => {
  const saved = blocks.filter(({ kind }) => kind === "ts").map(({ file }) => file!);
  expect(new Set(saved).size).toBe(saved.length);
  const examples = [...new Bun.Glob("*.ts").scanSync(join(PLUGINS, "examples"))];
  expect(saved).toEqual(
    expect.arrayContaining(examples.filter((name) => !name.endsWith(".test.ts"))),
  );
});
