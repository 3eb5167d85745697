/**
 * The folder where added plugins live, and what is in it. Each package has a folder of its own with
 * everything it needs, `NAME/node_modules/NAME`, so adding or removing one never touches another.
 * Names that begin with a dot are work in progress.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as v from "valibot";
import { DynbenchError } from "../base/errors.ts";
import { whyNot } from "../base/why-not.ts";

export interface AddedPackage {
  readonly name: string;
  readonly version: string;
  /** Its own folder below the plugin folder. */
  readonly folder: string;
}

/** The folder named, else the user's: `$XDG_DATA_HOME` or `~/.local/share`. None without a home. */
export function pluginFolder(named: string | undefined): string | undefined {
  if (named !== undefined) return resolve(named);
  const { XDG_DATA_HOME: data, HOME: home } = process.env;
  if (data?.startsWith("/")) return join(data, "dynbench/plugins");
  return home ? join(home, ".local/share/dynbench/plugins") : undefined;
}

/** In order of their names; none where there is no folder yet. */
export function addedPackages(folder: string | undefined): readonly AddedPackage[] {
  if (folder === undefined) return [];
  return namesIn(folder).map((entry) => {
    const name = entry.replace("+", "/");
    const own = join(folder, entry);
    return { name, version: versionOf(join(own, "node_modules", name)), folder: own };
  });
}

/** The folder of a package, whether there is one or not: a scope's slash is written as a plus. */
export function folderOf(name: string, folder: string): string {
  return join(folder, name.replace("/", "+"));
}

/** The file that importing the package would load; throws where it has none. */
export function entryOf({ name, folder }: AddedPackage): string {
  try {
    return Bun.resolveSync(name, folder);
  } catch (cause) {
    throw new DynbenchError(
      "plan",
      `Cannot load plugin ${join(folder, "node_modules", name)}: the package has no file to import`,
      { cause, hint: 'Its package.json names one as "exports" or "main"' },
    );
  }
}

const Manifest = v.object({ name: v.string(), version: v.optional(v.string(), "0.0.0") });

/** Name and version of a package's folder; throws on a manifest that has none. */
export function manifestOf(folder: string): v.InferOutput<typeof Manifest> {
  return v.parse(Manifest, JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
}

function versionOf(folder: string): string {
  try {
    return manifestOf(folder).version;
  } catch {
    return "?"; // reported with its reason when it is loaded
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => name)
      .toSorted();
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === "ENOENT") return [];
    throw new DynbenchError("plan", `Cannot read plugin folder ${folder}: ${whyNot(cause)}`, {
      cause,
      hint: "Name another with --plugin-folder, or leave added plugins out with --no-plugins",
    });
  }
}
