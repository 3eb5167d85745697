/** Files that a server's command names, in a folder of the run. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { StartContext } from "dynbench/engine";

/** Writes them and returns the folder. */
export async function writeFiles(
  files: Readonly<Record<string, string>>,
  { runDir }: Pick<StartContext, "runDir">,
): Promise<string> {
  const folder = resolve(runDir, "engine");
  if (Object.keys(files).length > 0) await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await Bun.write(join(folder, name), text);
  return folder;
}
