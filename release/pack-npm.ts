/** The npm packages as tarballs. `npm pack` fixes order, owners and times of their entries itself. */
import { chmodSync, copyFileSync, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { must } from "./must.ts";
import { binaryManifest, programManifest } from "./npm-packages.ts";
import type { Target } from "./targets.ts";

interface Places {
  /** Where tarballs go. */
  readonly out: string;
  /** For the packages as folders; of the same disk as the binaries. */
  readonly stage: string;
}

/** The package of one target, `binary` and the licences in it. */
export function packBinary(
  target: Target,
  { binary, licences }: { binary: string; licences: string },
  { out, stage }: Places,
): void {
  const folder = folderOf(stage, `dynbench-${target.name}`);
  linkSync(binary, join(folder, "dynbench"));
  copyFileSync(licences, join(folder, "LICENSES.txt"));
  pack(folder, out, binaryManifest(target, manifest));
}

/** The package `dynbench`, which brings those of `targets` along. */
export function packProgram(targets: readonly Target[], { out, stage }: Places): void {
  const folder = folderOf(stage, "dynbench");
  must([process.execPath, "release/declarations.ts", join(folder, "types")]);
  for (const file of ["launcher.js", "host.js"]) {
    copyFileSync(join("release/npm", file), join(folder, file));
  }
  chmodSync(join(folder, "launcher.js"), 0o755);
  for (const file of ["LICENSE", "README.md"]) copyFileSync(file, join(folder, file));
  pack(folder, out, programManifest(targets, manifest));
}

function folderOf(stage: string, name: string): string {
  const folder = join(stage, "npm", name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function pack(folder: string, out: string, packageJson: object): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageJson, null, 2)}\n`);
  must(["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", out], folder);
}
