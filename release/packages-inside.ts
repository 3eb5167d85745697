/** The npm packages that are in the binary: those whose files the bundler read, for program and page. */
import { given } from "../core/base/given.ts";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { packageFolders, type NpmPackage } from "./contents.ts";

const Manifest = v.object({ name: v.string(), version: v.string(), license: v.string() });
const Lock = v.object({
  packages: v.record(v.string(), v.object({ integrity: v.optional(v.string()) })),
});

/** Sorted by name. */
export async function packagesInside(): Promise<readonly NpmPackage[]> {
  const lock = v.parse(Lock, JSON.parse(readFileSync("package-lock.json", "utf8")));
  const inputs = [
    ...(await inputsOf("core/main.ts", "bun")),
    ...(await inputsOf("reports/page.ts", "browser")),
  ];
  return packageFolders(inputs)
    .map((folder) => readPackage(folder, lock.packages[folder]?.integrity))
    .toSorted((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
}

async function inputsOf(entry: string, target: "bun" | "browser"): Promise<string[]> {
  const { success, metafile } = await Bun.build({
    entrypoints: [entry],
    target,
    splitting: true,
    metafile: true,
  });
  if (!success || metafile === undefined) throw new Error(`Cannot bundle ${entry}`);
  return Object.keys(metafile.inputs);
}

function readPackage(folder: string, integrity: string | undefined): NpmPackage {
  const manifest = readFileSync(join(folder, "package.json"), "utf8");
  const { name, version, license } = v.parse(Manifest, JSON.parse(manifest));
  const file = readdirSync(folder)
    .toSorted()
    .find((one) => /^(licen[cs]e|copying)/i.test(one));
  const notice = join(folder, "NOTICE");
  const texts = [
    ...(file === undefined ? [] : [readFileSync(join(folder, file), "utf8")]),
    ...(existsSync(notice) ? [readFileSync(notice, "utf8")] : []),
  ];
  return {
    name,
    version,
    licence: license,
    ...(texts.length === 0 ? {} : { text: texts.join("\n\n") }),
    ...given({ integrity }),
  };
}
