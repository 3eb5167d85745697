/**
 * Adds a package to a plugin folder: made ready beside the others under a hidden name, loaded once to
 * see that it is a plugin, then renamed into place. Whatever ends it early leaves at most the hidden
 * folder, which the next `add` removes; the version that was to be replaced is put back from there.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, extname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { statOf } from "../system/stat-of.ts";
import { installFault } from "./install-fault.ts";
import { loadAdded } from "./load-added.ts";
import { runBun } from "./own-bun.ts";
import { isPackageName, type PackageSpec } from "./package-spec.ts";
import { entryOf, folderOf, manifestOf, type AddedPackage } from "./plugin-folder.ts";
import { packageName, strayPath } from "./tar-paths.ts";
import { DynbenchError, messageOf } from "../base/errors.ts";
import { whyNot } from "../base/why-not.ts";
import type { PluginSet } from "./plugin-set.ts";
import type { LoadedPlugin } from "../contract/plugins.ts";
import { VERSION } from "../base/version.ts";

const STAGE = ".adding-";
/** In a stage: the package that is being replaced, under the name of its folder. */
const REPLACED = "replaced";
/** A plugin is source text; what is larger than this is something else. */
const LARGEST_TARBALL = 64 * 1024 * 1024;
const LARGEST_UNPACKED = 512 * 1024 * 1024;

export interface AddDetails {
  readonly folder: string;
  /** The bundled plugins; those of the folder are loaded beside them. */
  readonly plugins: PluginSet;
  readonly signal: AbortSignal;
}

export interface Added {
  readonly added: AddedPackage;
  readonly plugins: readonly LoadedPlugin[];
}

/** Throws a `DynbenchError` and leaves the folder as it was, where the package is no plugin. */
export async function addPackage(spec: PackageSpec, details: AddDetails): Promise<Added> {
  const named = spec.from === "registry" ? spec.spec : spec.path;
  const refuse = (state: string, hint?: string): DynbenchError =>
    new DynbenchError("plan", `Cannot add "${named}": ${state}`, { hint });
  const stage = openStage(details.folder, refuse);
  try {
    const wanted =
      spec.from === "registry" ? spec.spec : await tarballOf(spec, { stage, refuse, details });
    const staged = await install(wanted, { stage, refuse, details });
    const plugins = await loadStaged(staged, { refuse, details });
    const target = folderOf(staged.name, details.folder);
    if (statOf(target)) {
      mkdirSync(join(stage, REPLACED));
      renameSync(target, join(stage, REPLACED, basename(target)));
    }
    renameSync(staged.folder, target);
    return { added: { ...staged, folder: target }, plugins };
  } catch (cause) {
    if (details.signal.aborted)
      throw new DynbenchError("interrupted", "Interrupted: nothing was added");
    if (cause instanceof DynbenchError || !isFromSystem(cause)) throw cause;
    throw refuse(`${details.folder}: ${whyNot(cause)}`);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Takes a package out whole: from one moment to the next it is not there. */
export function removePackage({ name, folder: own }: AddedPackage, folder: string): void {
  try {
    const stage = mkdtempSync(join(folder, `${STAGE}${process.pid}-`));
    renameSync(own, join(stage, "removed"));
    rmSync(stage, { recursive: true, force: true });
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot remove "${name}" from ${folder}: ${whyNot(cause)}`, {
      cause,
    });
  }
}

type Refuse = (state: string, hint?: string) => DynbenchError;

interface Step {
  readonly stage: string;
  readonly refuse: Refuse;
  readonly details: AddDetails;
}

function openStage(folder: string, refuse: Refuse): string {
  try {
    mkdirSync(folder, { recursive: true });
    for (const entry of readdirSync(folder)) {
      if (entry.startsWith(STAGE) && !isRunning(Number.parseInt(entry.slice(STAGE.length), 10))) {
        clearAway(join(folder, entry), folder);
      }
    }
    return mkdtempSync(join(folder, `${STAGE}${process.pid}-`));
  } catch (cause) {
    throw refuse(`${folder}: ${whyNot(cause)}`, "Name another folder with --plugin-folder DIR");
  }
}

/** What an `add` left that was killed. */
function clearAway(stage: string, folder: string): void {
  const replaced = join(stage, REPLACED);
  for (const name of existsSync(replaced) ? readdirSync(replaced) : []) {
    const target = join(folder, name);
    if (!existsSync(target)) renameSync(join(replaced, name), target);
  }
  rmSync(stage, { recursive: true, force: true });
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as { code?: string }).code === "EPERM";
  }
}

/** A folder is packed as it would be published, so that what is added is a copy of just that. */
async function tarballOf(
  spec: Exclude<PackageSpec, { from: "registry" }>,
  step: Step,
): Promise<string> {
  const { refuse, stage } = step;
  const tarball = join(stage, "package.tgz");
  if (spec.from === "tarball") {
    checkTarball(spec.path, refuse);
    copyFileSync(spec.path, tarball);
    return tarball;
  }
  const source = spec.from === "folder" ? spec.path : packageOfFile(spec.path, stage);
  if (!statOf(join(source, "package.json"))) {
    throw refuse("it has no package.json", "Add a single file by its own path: ./FOLDER/FILE.ts");
  }
  const args = ["pm", "pack", "--ignore-scripts", "--quiet", "--filename", tarball];
  const packed = await runBun(args, { cwd: source, signal: step.details.signal });
  if (packed.exitCode !== 0) throw refuse(installFault(packed.output).state);
  checkTarball(tarball, refuse);
  return tarball;
}

function packageOfFile(path: string, stage: string): string {
  const source = join(stage, "file");
  const name = basename(path, extname(path))
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replace(/^-+/, "");
  mkdirSync(source);
  copyFileSync(path, join(source, basename(path)));
  const manifest = {
    name: name || "plugin",
    version: "0.0.0",
    type: "module",
    exports: `./${basename(path)}`,
  };
  writeFileSync(join(source, "package.json"), JSON.stringify(manifest));
  return source;
}

function checkTarball(path: string, refuse: Refuse): void {
  if (statSync(path).size > LARGEST_TARBALL) throw refuse("it is larger than 64 MiB");
  let stray: string | undefined;
  let name: unknown;
  try {
    const tar = gunzipSync(readFileSync(path), { maxOutputLength: LARGEST_UNPACKED });
    stray = strayPath(tar);
    name = packageName(tar);
  } catch (cause) {
    throw refuse(`it is no package: ${messageOf(cause)}`);
  }
  if (stray !== undefined) throw refuse(`its entry "${stray}" leads out of the package`);
  // The package manager would make another name of it, that of another package.
  if (typeof name !== "string" || !isPackageName(name)) {
    throw refuse(`its name ${JSON.stringify(name) ?? "(none)"} is not one that a package can have`);
  }
}

/** Everything the package needs, below the stage; no script of any package runs. */
async function install(wanted: string, { stage, refuse, details }: Step): Promise<AddedPackage> {
  const folder = join(stage, "package");
  // A package may ask for dynbench beside it: it gets this one, not the registry's.
  const host = join(folder, "host");
  mkdirSync(host, { recursive: true });
  writeFileSync(join(host, "package.json"), JSON.stringify({ name: "dynbench", version: VERSION }));
  const manifest = { private: true, dependencies: { dynbench: "file:./host" } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const flags = ["--exact", "--ignore-scripts", "--no-progress", "--linker", "hoisted"];
  const { exitCode, output } = await runBun(["add", ...flags, "--", wanted], {
    cwd: folder,
    env: {
      BUN_INSTALL_CACHE_DIR: join(stage, "cache"),
      BUN_TMPDIR: join(stage, "tmp"),
      NO_COLOR: "1",
    },
    signal: details.signal,
  });
  if (details.signal.aborted) throw refuse("interrupted");
  if (exitCode !== 0) {
    const fault = installFault(output);
    throw refuse(fault.state, fault.hint);
  }
  return installed(folder, refuse);
}

function installed(folder: string, refuse: Refuse): AddedPackage {
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const name = Object.keys(dependencies).find((each) => each !== "dynbench");
  if (name === undefined) throw refuse('the package is named "dynbench", which is this program');
  return { name, version: manifestOf(join(folder, "node_modules", name)).version, folder };
}

async function loadStaged(
  staged: AddedPackage,
  { refuse, details }: Pick<Step, "refuse" | "details">,
): Promise<readonly LoadedPlugin[]> {
  await loadAdded(details.plugins, details.folder, { except: staged.name });
  try {
    return await details.plugins.addFile(entryOf(staged), `${staged.name} ${staged.version}`);
  } catch (cause) {
    if (!(cause instanceof DynbenchError)) throw cause;
    // The path of the stage means nothing to anyone.
    const state = cause.message.replace(/^Cannot (?:load|use) plugin [^:]*: /, "");
    throw refuse(`it is no plugin that dynbench ${VERSION} can use: ${state}`, cause.hint);
  }
}

function isFromSystem(cause: unknown): boolean {
  return cause instanceof Error && "syscall" in cause;
}
