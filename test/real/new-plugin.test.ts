/**
 * Runs the commands that `dynbench plugin new` prints and writes: live runs of each kind, which take
 * too long for the everyday tests. Needs DYNBENCH_REAL=1 and nothing else.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { binary, emptyFolder } from "../cli/binary.ts";
import { typed } from "../cli/typed.ts";
import { isRealRun } from "./programs.ts";

const root = emptyFolder();
const [cwd, bin, home] = ["work", "bin", "home"].map((name) => join(root, name)) as [
  string,
  string,
  string,
];

describe.skipIf(!isRealRun())("a new plugin (skipped without DYNBENCH_REAL=1)", () => {
  beforeAll(() => {
    for (const folder of [cwd, bin, home]) mkdirSync(folder);
    copyFileSync(binary(), join(bin, "dynbench"));
  });

  test.each(["router", "workload", "reporter", "engine"])("%s", async (kind) => {
    const name = `my-${kind}`;
    const printed = await typed(`dynbench plugin new ${kind} ${name}`, { cwd, bin, home });
    const [head, , ...commands] = printed.trimEnd().split("\n");
    expect(head).toStartWith(`Made ${name}/${name}.ts`);
    const ran = await typed(commands.join("\n"), { cwd, bin, home });
    expect(ran).toContain(`Added ${name} 0.1.0: ${kind} ${name}`);
    const readme = readFileSync(join(cwd, name, "README.md"), "utf8");
    const [, own] = /^```sh\n([\s\S]*?)^```$/m.exec(readme)!;
    const again = await typed(own!, { cwd: join(cwd, name), bin, home });
    for (const what of ["Added", "Removed", "Packed"]) expect(again).toContain(what);
  });
});
