/** Temporary files of one test file, removed when the process ends. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "dynbench-workload-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Writes the file, replacing one of the same name, and returns its path. */
export function scratchFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
