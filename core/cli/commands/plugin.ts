/** `dynbench plugin list|show|add|remove|new|test|pack`. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { statOf } from "../../system/stat-of.ts";
import { loadPlugins, PLUGIN_OPTIONS, sayClashes } from "../options/added-plugins.ts";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { pluginHelp } from "../text/help.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { PLUGIN_HELP, VERB_HELP } from "../text/plugin-help.ts";
import { newPlugin } from "./plugin-new.ts";
import { packPlugin } from "./plugin-pack.ts";
import { bundleTestModules } from "./test-modules.ts" with { type: "macro" };
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import { noPlace, temporaryFolder } from "../../system/temporary-name.ts";
import { runBun } from "../../plugin-folder/own-bun.ts";
import { didYouMean } from "../../base/suggest.ts";
import { addPackage, removePackage } from "../../plugin-folder/add-package.ts";
import { packageSpec } from "../../plugin-folder/package-spec.ts";
import { addedPackages, pluginFolder } from "../../plugin-folder/plugin-folder.ts";

export const PluginCommandOptions = v.strictObject({
  ...PLUGIN_OPTIONS,
  out: v.optional(v.pipe(v.string(), v.description("File that pack writes [NAME.js]"))),
});

type Options = v.InferOutput<typeof PluginCommandOptions>;
/** Runs one verb with the words after it and the options. */
type Verb = (
  words: readonly string[],
  options: Options,
  environment: Environment,
) => Promise<number>;

/** The verbs, with the least and the greatest number of words after each. */
const VERBS: Readonly<
  Record<keyof typeof VERB_HELP, { readonly words: readonly [number, number]; run: Verb }>
> = {
  list: { words: [0, 0], run: list },
  show: { words: [1, 1], run: show },
  add: { words: [1, 1], run: add },
  remove: { words: [1, 1], run: remove },
  new: { words: [2, 2], run: ([kind, name], _options, at) => newPlugin(kind!, name!, at) },
  test: { words: [0, 1], run: ([folder]) => testPlugin(folder ?? ".") },
  pack: { words: [0, 1], run: ([folder], { out }, at) => packPlugin(folder ?? ".", out, at) },
};

export async function plugin(line: CommandLine, environment: Environment): Promise<number> {
  if (line.wantsHelp) {
    const verb = line.tokens.find((token) => typeof token === "string");
    process.stdout.write(isVerb(verb) ? VERB_HELP[verb] : PLUGIN_HELP);
    return EXIT_CODES.ok.code;
  }
  const { chosen, words: all } = readOwnOptions("plugin", PluginCommandOptions, line);
  const [name, ...words] = all;
  if (name === undefined) {
    process.stdout.write(PLUGIN_HELP);
    return EXIT_CODES.plan.code;
  }
  if (!isVerb(name)) {
    const guess = didYouMean(name, Object.keys(VERBS));
    throw new DynbenchError("plan", `There is no "dynbench plugin ${name}"`, {
      hint: guess ? `Did you mean "${guess}"?` : `See "dynbench plugin --help"`,
    });
  }
  const { words: bounds, run } = VERBS[name];
  const [least, most] = bounds;
  if (words.length < least || words.length > most) {
    throw new DynbenchError(
      "plan",
      `Cannot run "dynbench plugin ${all.join(" ")}": ${words.length < least ? "a word is missing" : "there is a word too many"}`,
      { hint: VERB_HELP[name].split("\n", 1)[0] },
    );
  }
  return run(words, chosen, environment);
}

function isVerb(name: string | undefined): name is keyof typeof VERBS {
  return name !== undefined && Object.hasOwn(VERBS, name);
}

async function list(_: readonly string[], options: Options, { plugins }: Environment) {
  await loadPlugins(plugins, options);
  process.stdout.write(listing(plugins));
  return EXIT_CODES.ok.code;
}

async function show([name]: readonly string[], options: Options, { plugins }: Environment) {
  await loadPlugins(plugins, options);
  const found = plugins.all.filter(
    ({ plugin: one }) => one.name === name || one.aliases?.includes(name!),
  );
  if (found.length === 0) {
    const guess = didYouMean(
      name!,
      plugins.all.map(({ plugin: one }) => one.name),
    );
    throw new DynbenchError("plan", `There is no plugin "${name}"`, {
      hint: guess ? `Did you mean "${guess}"?` : 'See "dynbench plugin list"',
    });
  }
  process.stdout.write(found.map((one) => pluginHelp(one.plugin, one.source)).join("\n"));
  return EXIT_CODES.ok.code;
}

async function add([text]: readonly string[], options: Options, { plugins }: Environment) {
  const spec = packageSpec(text!);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const { added, plugins: loaded } = await addPackage(spec, {
    folder: folderFor("add", options),
    plugins,
    signal: stop.signal,
  });
  sayClashes(loaded);
  const what = loaded.map(({ plugin: { kind, name } }) => `${kind} ${name}`).join(", ");
  process.stdout.write(`Added ${added.name} ${added.version}: ${what}\n`);
  return EXIT_CODES.ok.code;
}

async function remove([name]: readonly string[], options: Options) {
  const folder = folderFor("remove", options);
  const there = addedPackages(folder);
  const found = there.find((each) => each.name === name);
  if (!found) {
    const names = there.map((each) => each.name);
    throw new DynbenchError("plan", `Cannot remove "${name}": no package of that name was added`, {
      hint: names.length === 0 ? "None was added" : `Added packages: ${names.join(", ")}`,
    });
  }
  removePackage(found, folder);
  process.stdout.write(`Removed ${found.name} ${found.version}\n`);
  return EXIT_CODES.ok.code;
}

/** Limit of one test: long enough for an engine that starts processes. */
const TEST_LIMIT_MS = 60_000;

/**
 * Runs a plugin's tests with this binary as the test runner. It provides the modules `dynbench` and
 * `dynbench/testing`, so nothing has to be installed. Exit code 0 if all pass, 2 if one fails or there is none.
 */
async function testPlugin(folder: string): Promise<number> {
  if (!statOf(folder)?.isDirectory()) {
    throw new DynbenchError("plan", `Cannot test "${folder}": there is no such folder`);
  }
  const action = `test "${folder}"`;
  const stage = temporaryFolder("test", action);
  try {
    const preload = join(stage, "dynbench.js");
    const modules = Bun.zstdDecompressSync(Buffer.from(bundleTestModules(), "base64"));
    try {
      writeFileSync(preload, modules);
    } catch (cause) {
      throw noPlace(action, cause);
    }
    const args = ["test", "--preload", preload, "--timeout", `${TEST_LIMIT_MS}`];
    const { exitCode } = await runBun(args, { cwd: folder, isShown: true });
    return exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.plan.code;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function folderFor(verb: string, { pluginFolder: named }: Options): string {
  const folder = pluginFolder(named);
  if (folder !== undefined) return folder;
  throw new DynbenchError("plan", `Cannot ${verb} plugins: neither HOME nor XDG_DATA_HOME is set`, {
    hint: "Name a folder with --plugin-folder DIR, here and when you run",
  });
}

function listing(plugins: Environment["plugins"]): string {
  const kinds = ["engine", "router", "workload", "reporter"] as const;
  const width = Math.max(...plugins.all.map(({ plugin: one }) => one.name.length)) + 2;
  const parts = kinds.map((kind) => {
    const lines = plugins.ofKind(kind).map(({ plugin: one, source, from }) => {
      const origin = source === "bundled" ? "" : `  (${from ? `package ${from}` : source})`;
      return `  ${one.name.padEnd(width)}${one.summary}${origin}`;
    });
    return `${kind}s\n${lines.join("\n")}\n`;
  });
  const broken = plugins.broken.map(({ from, fault }) => `  ${from}: ${fault.message}`);
  if (broken.length > 0)
    parts.push(`left out, because they cannot be loaded\n${broken.join("\n")}\n`);
  return parts.join("\n");
}
