/**
 * What `dynbench plugin add` was given: a package of the registry, or something on this disk. A bare
 * name is always a package's name, never a folder that happens to lie here.
 */
import { statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { DynbenchError } from "../base/errors.ts";
import { whyNot } from "../base/why-not.ts";

export type PackageSpec =
  | { readonly from: "registry"; readonly spec: string; readonly name: string }
  | { readonly from: "tarball" | "folder" | "file"; readonly path: string };

const NAME = /^(?:@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/;
/** A version, a tag, or a range of one comparison. */
const VERSION = /^[~^]?[A-Za-z0-9][A-Za-z0-9.+-]*$/;
const SOURCE = /\.(?:ts|js|mjs)$/;
const TARBALL = /\.(?:tgz|tar\.gz)$/;

/** Whether a package's own name can be that of its folder: old packages have capitals, none is a path. */
export function isPackageName(name: string): boolean {
  return NAME.test(name.toLowerCase()) && !name.includes("..");
}

/** Throws a `DynbenchError` for anything else. */
export function packageSpec(text: string): PackageSpec {
  if (isPath(text)) return onDisk(text);
  const at = text.indexOf("@", 1);
  const name = at === -1 ? text : text.slice(0, at);
  const version = at === -1 ? undefined : text.slice(at + 1);
  if (NAME.test(name) && (version === undefined || VERSION.test(version))) {
    return { from: "registry", spec: text, name };
  }
  throw new DynbenchError(
    "plan",
    `Cannot add ${JSON.stringify(text)}: it is neither the name of a package nor a path`,
    { hint: "Give NAME, NAME@VERSION, ./FOLDER, FILE.tgz or FILE.js" },
  );
}

function isPath(text: string): boolean {
  if (/^[a-z+]+:/i.test(text)) return false; // an address
  const isScoped = /^@[^/]+\/[^/]+$/.test(text);
  return (
    /^\.{0,2}\//.test(text) ||
    /^\.\.?$/.test(text) ||
    SOURCE.test(text) ||
    TARBALL.test(text) ||
    (text.includes("/") && !isScoped)
  );
}

function onDisk(text: string): PackageSpec {
  const path = resolve(text);
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw new DynbenchError("plan", `Cannot add ${JSON.stringify(text)}: ${whyNot(cause)}`, {
      cause,
    });
  }
  if (isFolder) return { from: "folder", path };
  if (TARBALL.test(path)) return { from: "tarball", path };
  if (SOURCE.test(path)) return { from: "file", path };
  throw new DynbenchError(
    "plan",
    `Cannot add ${JSON.stringify(text)}: ${basename(path)} is no package`,
    {
      hint: "Give NAME, NAME@VERSION, ./FOLDER, FILE.tgz or FILE.js",
    },
  );
}
