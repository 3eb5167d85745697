/** `dynbench plugin pack [FOLDER]`: bundles a plugin and its imports into one file, for a host without a network. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { statOf } from "../../system/stat-of.ts";
import type { Environment } from "../options/environment.ts";
import { DynbenchError, EXIT_CODES, messageOf } from "../../base/errors.ts";
import { temporaryFolder } from "../../system/temporary-name.ts";
import { whyNot } from "../../base/why-not.ts";
import { NEEDS_INSTALL } from "../../plugin-folder/install-fault.ts";
import { entryOf, manifestOf } from "../../plugin-folder/plugin-folder.ts";
import { runBun } from "../../plugin-folder/own-bun.ts";

/** Packs the package of a folder, or a single file; loads the result once to check that it is a plugin. */
export async function packPlugin(
  path: string,
  out: string | undefined,
  { plugins }: Environment,
): Promise<number> {
  const refuse = (state: string, hint?: string): DynbenchError =>
    new DynbenchError("plan", `Cannot pack "${path}": ${state}`, { hint });
  const stage = temporaryFolder("pack", `pack "${path}"`);
  try {
    const { name, entry } = sourceOf(resolve(path), stage, refuse);
    const target = resolve(out ?? `${name}.js`);
    if (target === entry)
      throw refuse("the packed file would replace it", "Name another with --out FILE");
    // The builder writes the name into the file, so it must be that of the target.
    const packed = join(stage, basename(target));
    const args = ["build", entry, "--target=bun", "--external", "dynbench", "--outfile", packed];
    const { exitCode, output } = await runBun(args, { cwd: stage, env: { NO_COLOR: "1" } });
    if (exitCode !== 0) throw refuse(...faultIn(output));
    const loaded = await plugins.addFile(packed).catch((cause: unknown) => {
      throw refuse(messageOf(cause).replace(/^Cannot (?:load|use) plugin [^:]*: /, ""));
    });
    move(packed, target, refuse);
    const what = loaded.map(({ plugin: { kind, name: each } }) => `${kind} ${each}`).join(", ");
    process.stdout.write(`Packed ${what}: ${target}\n`);
    return EXIT_CODES.ok.code;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

type Refuse = (state: string, hint?: string) => DynbenchError;

function sourceOf(path: string, stage: string, refuse: Refuse): { name: string; entry: string } {
  const found = statOf(path);
  if (!found) throw refuse("there is no such file or folder");
  if (!found.isDirectory()) return { name: basename(path, extname(path)), entry: path };
  let name: string;
  try {
    ({ name } = manifestOf(path));
  } catch (cause) {
    throw refuse(`its package.json: ${whyNot(cause)}`, "Pack a single file by its own path");
  }
  // Resolves the entry as an import of the package would.
  const link = join(stage, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(path, link);
  const entry = entryOf({ name, version: "", folder: stage });
  return { name: name.split("/").at(-1)!, entry };
}

/** What is wrong, and what to try. */
function faultIn(output: string): [string, string?] {
  const missing = /Could not resolve: "([^"]+)"/.exec(output);
  if (missing) return [`there is no package "${missing[1]}" beside it`, NEEDS_INSTALL];
  const line = output.split("\n").find((each) => each.includes("error:"));
  return [line?.slice(line.indexOf("error:") + "error:".length).trim() || "it cannot be bundled"];
}

/** Renames at the end, so that a full disk leaves no incomplete file. */
function move(packed: string, target: string, refuse: Refuse): void {
  const half = `${target}.tmp`;
  try {
    writeFileSync(half, readFileSync(packed));
    renameSync(half, target);
  } catch (cause) {
    if (existsSync(half)) rmSync(half);
    throw refuse(`${target}: ${whyNot(cause)}`);
  }
}
