/**
 * `npm run types`: what an editor knows of `dynbench` and `dynbench/testing`, in `dist/types/`.
 * `bun release/declarations.ts FOLDER` writes elsewhere.
 *
 * The compiler declares every module that the two reach. Only those whose declarations name each other
 * are kept, with valibot's beside them, so that the folder needs no package: its `index.d.ts` is
 * `dynbench`, its `testing.d.ts` is `dynbench/testing`.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const folder = process.argv[2] ?? "dist/types";
/** What a plugin imports, and the module that it gets. */
const DOORS = {
  "index.d.ts": "core/doors/dynbench.d.ts",
  "testing.d.ts": "test/conformance/testing.d.ts",
} as const;
/** Imports by name, and the file of the folder that stands for each. */
const PACKAGES: Readonly<Record<string, string>> = {
  dynbench: DOORS["index.d.ts"],
  valibot: "valibot/index.d.ts",
};
const IMPORT = /(\bfrom\s+|\bimport\()"([^"]+)"/g;

const declared = mkdtempSync(join(tmpdir(), "dynbench-types-"));
try {
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "release/tsconfig.types.json"];
  const { exitCode, stdout } = Bun.spawnSync([process.execPath, ...tsc, "--outDir", declared]);
  if (exitCode !== 0) throw new Error(`The compiler refuses:\n${stdout.toString()}`);
  rmSync(folder, { recursive: true, force: true });
  const kept = new Set<string>();
  for (const path of Object.values(DOORS)) keep(path, kept);
  for (const [name, path] of Object.entries(DOORS)) {
    write(name, `export * from "${addressOf(path, ".")}";\n`);
  }
  write(PACKAGES.valibot!, readFileSync("node_modules/valibot/dist/index.d.mts", "utf8"));
  copyFileSync("node_modules/valibot/LICENSE.md", join(folder, "valibot/LICENSE.md"));
  console.log(`${kept.size} modules declared in ${folder}`);
} finally {
  rmSync(declared, { recursive: true, force: true });
}

/** Writes a module's declarations, and those of every module that they name. */
function keep(path: string, kept: Set<string>): void {
  if (kept.has(path)) return;
  kept.add(path);
  const own = dirname(path);
  const named: string[] = [];
  const text = readFileSync(join(declared, path), "utf8").replace(
    IMPORT,
    (_, before: string, name: string) => {
      const target = targetOf(name, own);
      if (target !== PACKAGES.valibot) named.push(target);
      return `${before}"${addressOf(target, own)}"`;
    },
  );
  write(path, text);
  for (const target of named) keep(target, kept);
}

function targetOf(name: string, from: string): string {
  if (name.startsWith(".")) return join(from, name.replace(/\.ts$/, ".d.ts"));
  const target = PACKAGES[name];
  if (target) return target;
  throw new Error(`${from}: a plugin would need the package "${name}" for its types`);
}

/** As an importer in folder `from` writes it; an editor looks for the declarations beside that name. */
function addressOf(target: string, from: string): string {
  const path = relative(from, target).replace(/\.d\.ts$/, ".js");
  return path.startsWith(".") ? path : `./${path}`;
}

function write(path: string, text: string): void {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}
