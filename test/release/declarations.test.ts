/** Type errors for authors of plugins, with the types that `npm run types` makes. */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DOORS } from "../../release/doors.ts";
import { dynbench, emptyFolder } from "../cli/binary.ts";

const ROOT = join(import.meta.dir, "../..");
const cwd = emptyFolder();
const types = join(cwd, "node_modules/dynbench/types");

/** The package with only its types, and beside it only Bun's types. */
beforeAll(() => {
  const made = Bun.spawnSync([process.execPath, "release/declarations.ts", types], { cwd: ROOT });
  expect(made.stderr.toString()).toBe("");
  const manifest = {
    name: "dynbench",
    exports: Object.fromEntries(
      DOORS.map(({ key, types: file }) => [key, { types: `./types/${file}` }]),
    ),
  };
  writeFileSync(join(types, "../package.json"), JSON.stringify(manifest));
  for (const name of ["bun-types", "@types", "undici-types"]) {
    symlinkSync(join(ROOT, "node_modules", name), join(cwd, "node_modules", name));
  }
});

/** The compiler's errors for a folder, one a line. */
function complaints(folder: string, ...more: string[]): string[] {
  const args = ["check", "--no-script", "--no-pretty", "-p", join(cwd, folder), ...more];
  const { stdout, stderr } = Bun.spawnSync([process.execPath, ...args], { cwd });
  return `${stdout.toString()}${stderr.toString()}`
    .split("\n")
    .filter((line) => line.includes("error TS"));
}

const KINDS = ["engine", "router", "workload", "reporter"] as const;
beforeAll(async () => {
  for (const kind of KINDS) {
    expect((await dynbench(["plugin", "new", kind, `my-${kind}`], { cwd })).exitCode).toBe(0);
  }
});

describe.each(KINDS)("a new %s", (kind) => {
  test("type-checks with its test, and so do the types themselves", () => {
    expect(complaints(`my-${kind}`)).toEqual([]);
    expect(complaints(`my-${kind}`, "--skipLibCheck", "false")).toEqual([]);
  });
});

describe("a wrong use is reported where it is typed:", () => {
  const router = (part: string): string => `import { defineRouter, v } from "dynbench";
export default defineRouter({
  name: "x", summary: "x", plane: "http",
  options: v.strictObject({ limit: v.optional(v.number(), 8) }),
  traits: () => ({ accepts: ["ids"], affinity: true, spreads: true, kvEvents: false }),
  ${part}
});`;
  /** The code, and the number of the compiler's error. */
  const WRONG = {
    "no-such-export": ['import { chooseBest } from "dynbench"; chooseBest();', "TS2724"],
    "a-worker-by-name": [
      router('policy: () => ({ reads: [], pick: () => "worker-0" }),'),
      "TS2322",
    ],
    "an-unknown-column": [
      router(
        "policy: () => ({ reads: [], pick: (_request, view) => view.eligible[view.waiting[0]!]! }),",
      ),
      "TS2339",
    ],
    "an-option-of-another-type": [
      router(
        "policy: ({ limit }) => ({ reads: [], pick: (_r, view) => view.eligible[limit.length]! }),",
      ),
      "TS2339",
    ],
    "policy-and-start": [
      router(
        "policy: () => ({ reads: [], pick: () => 0 }), start: async () => ({ urls: [], facts: {}, [Symbol.asyncDispose]: async () => {} }),",
      ),
      "TS2345",
    ],
    "neither-policy-nor-start": [router(""), "TS2345"],
    "a-prompt-of-text": [
      `import { defineWorkload, v } from "dynbench";
export default defineWorkload({
  name: "x", summary: "x", options: v.strictObject({}), load: { arrival: "closed" },
  *requests() { yield { index: 0, prompt: ["hello"], isl: 1, osl: 1 }; },
});`,
      "TS2322",
    ],
    "a-suite-of-another-kind": [
      `import { testWorkload } from "dynbench/testing";
import plugin from "../my-reporter/my-reporter.ts";
testWorkload({ workload: plugin });`,
      "TS2739",
    ],
  } as const;
  let found: string[];

  beforeAll(() => {
    mkdirSync(join(cwd, "wrong"));
    copyFileSync(join(cwd, "my-router/tsconfig.json"), join(cwd, "wrong/tsconfig.json"));
    for (const [name, [code]] of Object.entries(WRONG)) {
      writeFileSync(join(cwd, "wrong", `${name}.ts`), code);
    }
    found = complaints("wrong");
  });

  test.each(Object.entries(WRONG))("%s", (name, [, number]) => {
    const own = found.filter((line) => line.includes(`${name}.ts`));
    expect(own).toHaveLength(1);
    expect(own[0]).toContain(`error ${number}:`);
  });
});
