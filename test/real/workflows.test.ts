/** The workflows of .github are sound to actionlint: keys, expressions, inputs of actions, permissions. */
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { installed, isRealRun } from "./programs.ts";

const FOLDER = join(import.meta.dir, "../../.github/workflows");
const actionlint = installed("actionlint/actionlint") ?? Bun.which("actionlint");
const missing =
  actionlint === null ? " (skipped: no actionlint; test/real/install.sh builds it with Go)" : "";

/** What actionlint says of files, or of a text. */
async function faultsOf(args: readonly string[], text = ""): Promise<string> {
  const child = Bun.spawn([actionlint!, "-no-color", "-oneline", ...args], {
    stdin: Buffer.from(text),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return `${said}${complaint}`;
}

test.skipIf(!isRealRun() || actionlint === null)(
  `actionlint finds no fault${missing}`,
  async () => {
    const files = readdirSync(FOLDER).map((name) => join(FOLDER, name));
    expect(files.length).toBeGreaterThan(1);
    expect(await faultsOf(files)).toBe("");
    const broken = (await Bun.file(join(FOLDER, "test.yml")).text()).replace("runs-on:", "run-on:");
    expect(await faultsOf(["-"], broken)).toContain('"runs-on" section is missing');
  },
);
