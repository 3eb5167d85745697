/**
 * `npm run types`: declarations of the modules that a plugin imports, for an editor, in `dist/types/`.
 * `bun release/declarations.ts FOLDER` writes them elsewhere.
 *
 * The compiler declares every module that those reach. Only modules whose declarations name each other
 * are kept, with valibot's beside them, so that the folder needs no package: its `index.d.ts` is
 * `dynbench`, its `engine.d.ts` is `dynbench/engine`.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { DOORS } from "./doors.ts";

const folder = process.argv[2] ?? "dist/types";
const VALIBOT = "valibot/index.d.ts";
/** Imports by name, and the file of the folder that declares each. */
const PACKAGES = new Map([
  ["valibot", VALIBOT],
  ...DOORS.map(({ name, source }) => [name, declarationOf(source)] as const),
]);
const IMPORT = /(\bfrom\s+|\bimport\()"([^"]+)"/g;

const declared = mkdtempSync(join(tmpdir(), "dynbench-types-"));
try {
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "release/tsconfig.types.json"];
  const { exitCode, stdout } = Bun.spawnSync([process.execPath, ...tsc, "--outDir", declared]);
  if (exitCode !== 0) throw new Error(`The compiler refuses:\n${stdout.toString()}`);
  rmSync(folder, { recursive: true, force: true });
  const kept = new Set<string>();
  for (const { source, types } of DOORS) {
    keep(declarationOf(source), kept);
    write(types, `export * from "${addressOf(declarationOf(source), ".")}";\n`);
  }
  write(VALIBOT, readFileSync("node_modules/valibot/dist/index.d.mts", "utf8"));
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
      if (target !== VALIBOT) named.push(target);
      return `${before}"${addressOf(target, own)}"`;
    },
  );
  write(path, text);
  for (const target of named) keep(target, kept);
}

function targetOf(name: string, from: string): string {
  if (name.startsWith(".")) return join(from, declarationOf(name));
  const target = PACKAGES.get(name);
  if (target) return target;
  throw new Error(`${from}: a plugin would need the package "${name}" for its types`);
}

function declarationOf(source: string): string {
  return source.replace(/\.ts$/, ".d.ts");
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
