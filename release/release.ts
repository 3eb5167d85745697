/**
 * `npm run release`: everything that people download, in `dist/`.
 *
 * The same commit gives the same bytes: no hour, no name of a machine or a folder gets in. What is
 * not committed is refused for that reason.
 */
import { given } from "../core/base/given.ts";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { manPage } from "../core/cli/commands/man.ts";
import { PluginSet } from "../core/plugin-folder/plugin-set.ts";
import { messageOf } from "../core/base/errors.ts";
import { VERSION } from "../core/base/version.ts";
import { BUNDLED } from "../plugins/bundled.ts";
import { TRACE_FORMATS } from "../plugins/shared/traces/trace-formats.ts";
import { gzipped, LEVELS, sha256, tarOf, zstdOf, type Levels } from "./archive.ts";
import type { Contents } from "./contents.ts";
import { licencesText } from "./licences.ts";
import { parseLog, releaseNotes } from "./notes.ts";
import { must } from "./must.ts";
import { packBinary, packProgram } from "./pack-npm.ts";
import { packagesInside } from "./packages-inside.ts";
import { sbom } from "./sbom.ts";
import { chosenTargets, type Target } from "./targets.ts";

const USAGE = `Usage: npm run release -- [options]

  --target A,B       Build only these: linux-x64, linux-arm64-musl, … [all]
  --out FOLDER       A new folder for everything [dist, which is emptied]
  --gzip-level N     1 to 12 [${LEVELS.gzip}]
  --zstd-level N     1 to 22 [${LEVELS.zstd}]
  --download-url URL Where install.sh fetches from without --from
  --allow-modified   Build a tree with changes that are not committed
`;

const OPTIONS = {
  target: { type: "string" },
  out: { type: "string", default: "dist" },
  "gzip-level": { type: "string", default: String(LEVELS.gzip) },
  "zstd-level": { type: "string", default: String(LEVELS.zstd) },
  "download-url": { type: "string", default: "" },
  "allow-modified": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

try {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) console.log(USAGE);
  else await release(values);
} catch (fault) {
  console.error(`Cannot make the release: ${messageOf(fault)}`);
  process.exitCode = 1;
}

type Choice = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

async function release(values: Choice): Promise<void> {
  const targets = chosenTargets(values.target);
  const levels = {
    gzip: levelOf("gzip-level", values["gzip-level"], 12),
    zstd: levelOf("zstd-level", values["zstd-level"], 22),
  };
  if (!values["allow-modified"] && git("status", "--porcelain") !== "") {
    throw new Error("The tree has changes that are not committed: commit them first");
  }
  const out = resolve(values.out);
  if (values.out !== OPTIONS.out.default && existsSync(out) && readdirSync(out).length > 0) {
    throw new Error(`${out} is not empty: name a new folder with --out`);
  }
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const stage = mkdtempSync(join(out, ".stage-")); // of the same disk, so that binaries are linked, not copied
  try {
    const contents = await contentsOfRelease();
    writeTexts(out, contents, values["download-url"]);
    for (const target of targets) {
      const binary = build(target, stage);
      await pack(binary, { target, out, stage, contents, levels });
    }
    packProgram(targets, { out, stage });
    await writeSums(out);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function levelOf(option: string, text: string, highest: number): number {
  const level = Number(text);
  if (Number.isInteger(level) && level >= 1 && level <= highest) return level;
  throw new Error(`--${option} must be a whole number from 1 to ${highest}, not "${text}"`);
}

async function contentsOfRelease(): Promise<Contents> {
  return {
    version: VERSION,
    commit: git("rev-parse", "HEAD"),
    epoch: Number(process.env.SOURCE_DATE_EPOCH ?? git("log", "-1", "--format=%ct")),
    ownLicence: readFileSync("LICENSE", "utf8"),
    packages: await packagesInside(),
    bun: {
      version: Bun.version,
      page: readFileSync("node_modules/bun-types/docs/project/license.mdx", "utf8"),
    },
  };
}

function writeTexts(out: string, contents: Contents, downloadUrl: string): void {
  const write = (name: string, text: string): void => writeFileSync(join(out, name), text);
  write("LICENSES.txt", licencesText(contents));
  write("dynbench.cdx.json", `${JSON.stringify(sbom(contents), null, 2)}\n`);
  write("RELEASE_NOTES.md", notes());
  const date = git("log", "-1", "--format=%cs");
  write(
    "dynbench.1",
    manPage(
      { plugins: new PluginSet(BUNDLED), traceFormats: TRACE_FORMATS },
      { version: VERSION, date },
    ),
  );
  const install = readFileSync("release/install.sh", "utf8");
  write("install.sh", install.replace('default_from=""', `default_from="${downloadUrl}"`));
  chmodSync(join(out, "install.sh"), 0o755);
}

function notes(): string {
  const tags = git("tag", "--list", "v*", "--sort=-version:refname", "--merged", "HEAD^");
  const since = tags.split("\n")[0] || undefined;
  const range = since === undefined ? ["HEAD"] : [`${since}..HEAD`];
  const commits = parseLog(git("log", "--no-merges", "--format=%h%x09%s", "--abbrev=10", ...range));
  const date = git("log", "-1", "--format=%cs");
  return releaseNotes({ version: VERSION, date, ...given({ since }) }, commits);
}

/** The file is called the same for every target, because its name is part of its bytes. */
function build({ name, bun }: Target, stage: string): string {
  const binary = join(stage, "build", name, "dynbench");
  mkdirSync(join(stage, "build", name), { recursive: true });
  must([process.execPath, "release/build.ts", binary, bun]);
  return binary;
}

interface Packing {
  readonly target: Target;
  readonly out: string;
  readonly stage: string;
  readonly contents: Contents;
  readonly levels: Levels;
}

async function pack(binary: string, packing: Packing): Promise<void> {
  const { target, out, stage, contents, levels } = packing;
  const name = `dynbench-${VERSION}-${target.name}`;
  const folder = join(stage, name);
  mkdirSync(folder);
  linkSync(binary, join(folder, "dynbench"));
  for (const file of ["LICENSE", "README.md"]) copyFileSync(file, join(folder, file));
  for (const file of ["LICENSES.txt", "dynbench.1"])
    copyFileSync(join(out, file), join(folder, file));
  const tar = tarOf(folder, contents.epoch);
  const packed = zstdOf(tar, levels.zstd);
  writeFileSync(join(out, `${name}.tar.gz`), gzipped(tar, levels.gzip));
  writeFileSync(join(out, `${name}.tar.zst`), await packed);

  rmSync(folder, { recursive: true });
  packBinary(target, { binary, licences: join(out, "LICENSES.txt") }, { out, stage });
  console.log(`${target.name}: ${readableSizes(out, [`${name}.tar.gz`, `${name}.tar.zst`])}`);
}

async function writeSums(out: string): Promise<void> {
  const names = readdirSync(out, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .toSorted();
  const lines = [];
  for (const name of names) lines.push(`${await sha256(join(out, name))}  ${name}\n`);
  writeFileSync(join(out, "SHA256SUMS"), lines.join(""));
}

function readableSizes(out: string, names: readonly string[]): string {
  const size = (name: string): string => (Bun.file(join(out, name)).size / 1e6).toFixed(1);
  return names.map((name) => `${name} ${size(name)} MB`).join(", ");
}

function git(...args: string[]): string {
  return must(["git", ...args]).trim();
}
