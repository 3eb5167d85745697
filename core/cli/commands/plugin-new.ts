/** `dynbench plugin new KIND NAME`: makes a folder with a working plugin to start from. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment, PluginExample } from "../options/environment.ts";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { whyNot } from "../../base/why-not.ts";
import { didYouMean } from "../../base/suggest.ts";
import type { PluginKind } from "../../contract/plugins.ts";
import { VERSION } from "../../base/version.ts";

/** For editors, which then show mistakes while you type; the binary does not need them. */
const COMPILER_OPTIONS = {
  target: "esnext",
  module: "preserve",
  lib: ["esnext"],
  types: ["bun-types"],
  strict: true,
  noUncheckedIndexedAccess: true,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
};

const KINDS = ["engine", "router", "workload", "reporter"] as const;

export async function newPlugin(
  kind: string,
  name: string,
  { plugins, examples }: Environment,
): Promise<number> {
  const refuse = (state: string, hint?: string): DynbenchError =>
    new DynbenchError("plan", `Cannot make ${kind} "${name}": ${state}`, { hint });
  if (!isKind(kind)) {
    const guess = didYouMean(kind, KINDS);
    throw refuse(
      `there is no such kind`,
      guess ? `Did you mean "${guess}"?` : `Kinds: ${KINDS.join(", ")}`,
    );
  }
  if (!/^[a-z][a-z0-9-]*$/.test(name)) throw refuse("the name must be kebab-case");
  const taken = plugins.find(kind, name);
  if (taken) throw refuse(`the name is taken (${taken.source})`);
  const example = (await examples())[kind];
  write(name, filesOf(kind, name, example), refuse);
  process.stdout.write(
    `Made ${name}/${name}.ts, its test, package.json, tsconfig.json and README.md\n\n` +
      `  dynbench plugin test ./${name}\n` +
      `  dynbench run --plugin ./${name}/${name}.ts ${optionsOf(name, example, `./${name}/`)}\n` +
      `  dynbench plugin add ./${name}\n`,
  );
  return EXIT_CODES.ok.code;
}

function isKind(kind: string): kind is PluginKind {
  return (KINDS as readonly string[]).includes(kind);
}

function filesOf(kind: PluginKind, name: string, example: PluginExample): Record<string, string> {
  const renamed = (text: string): string => text.replaceAll(example.name, name);
  const manifest = {
    name,
    version: "0.1.0",
    description: `dynbench ${kind}`,
    type: "module",
    exports: `./${name}.ts`,
    files: [`${name}.ts`],
    keywords: ["dynbench-plugin"],
    devDependencies: { "bun-types": Bun.version, dynbench: `^${VERSION}` },
  };
  return {
    [`${name}.ts`]: renamed(example.source),
    [`${name}.test.ts`]: renamed(example.test),
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    "tsconfig.json": `${JSON.stringify({ compilerOptions: COMPILER_OPTIONS }, null, 2)}\n`,
    "README.md": readme(kind, name, example),
    ...example.files,
  };
}

/** `folder`: the folder of the plugin's files, relative to where the command is typed. */
function optionsOf(name: string, { name: own, options }: PluginExample, folder: string): string {
  return options.replaceAll(own, name).replaceAll("FOLDER/", folder);
}

function readme(kind: PluginKind, name: string, example: PluginExample): string {
  const options = optionsOf(name, example, "./");
  return `# ${name}

${kind === "engine" ? "An" : "A"} ${kind} for dynbench, in \`${name}.ts\`. In this folder:

\`\`\`sh
dynbench plugin test                          # run its tests; nothing has to be installed
dynbench run --plugin ./${name}.ts ${options}
dynbench plugin add .                         # load it in every command from now on
dynbench run ${options}
dynbench plugin remove ${name}
dynbench plugin pack                          # make ${name}.js, for a host without a network
\`\`\`

\`dynbench plugin show ${name} --plugin ./${name}.ts\` prints its options. \`tsconfig.json\` and the
\`devDependencies\` are for editors; neither tests nor runs need them.
`;
}

/** Writes all files or none. */
function write(
  folder: string,
  files: Readonly<Record<string, string>>,
  refuse: (state: string, hint?: string) => DynbenchError,
): void {
  try {
    mkdirSync(folder);
  } catch (cause) {
    throw refuse(`${folder}: ${whyNot(cause)}`);
  }
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw refuse(`${folder}: ${whyNot(cause)}`);
  }
}
