import { expect, test } from "bun:test";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

test.each([
  [["--target", "linux-x86"], "There is no target linux-x86. Targets: linux-x64, "],
  [["--zstd-level", "23"], '--zstd-level must be a whole number from 1 to 22, not "23"'],
  [["--gzip-level", "best"], '--gzip-level must be a whole number from 1 to 12, not "best"'],
  [["--tarket", "linux-x64"], "Unknown option '--tarket'"],
  [["--out", "core"], `${join(root, "core")} is not empty: name a new folder with --out`],
])("a release with %j is refused before anything is made or emptied", (args, why) => {
  // If it had continued, --out below a file would cause another error.
  const out = join(root, "package.json", "below");
  const command = [process.execPath, "release/release.ts", "--allow-modified", "--out", out];
  const { exitCode, stderr } = Bun.spawnSync([...command, ...args], { cwd: root });
  expect(exitCode).toBe(1);
  expect(stderr.toString()).toStartWith(`Cannot make the release: ${why}`);
});
