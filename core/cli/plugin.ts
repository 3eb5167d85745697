/** `dynbench plugin list|show NAME`. */
import * as v from "valibot";
import type { Environment } from "./environment.ts";
import { parseOwnArguments, valuesOf } from "./arguments.ts";
import { pluginHelp } from "./help.ts";
import { parseOwnOptions } from "./own-options.ts";
import { DynbenchError, EXIT_CODES } from "../errors.ts";
import { optionSpecs } from "../plan/option-spec.ts";
import { RunOptions } from "../plan/run-options.ts";
import { didYouMean } from "../plan/suggest.ts";

const HELP = `Usage: dynbench plugin list
       dynbench plugin show NAME

Lists the plugins by kind, or shows one with its options and their defaults.

  --plugin FILE   Load a plugin from this file too
`;

export async function plugin(argv: readonly string[], { plugins }: Environment): Promise<number> {
  const specs = optionSpecs(PluginOptions);
  const { options, positionals, wantsHelp } = parseOwnArguments("plugin", argv, specs);
  const [verb, name, ...rest] = positionals;
  if (wantsHelp) {
    process.stdout.write(HELP);
    return EXIT_CODES.ok.code;
  }
  parseOwnOptions("plugin", PluginOptions, options);
  for (const file of valuesOf(argv, "plugin")) await plugins.addFile(file);
  if (verb === "list" && name === undefined) process.stdout.write(listing(plugins));
  else if (verb === "show" && name !== undefined && rest.length === 0) {
    process.stdout.write(shown(plugins, name));
  } else {
    const asked = positionals.length === 0 ? "nothing" : `"${positionals.join(" ")}"`;
    throw new DynbenchError("plan", `Cannot look up plugins: expected list or show, got ${asked}`, {
      hint: "dynbench plugin list, or dynbench plugin show NAME",
    });
  }
  return EXIT_CODES.ok.code;
}

const PluginOptions = v.strictObject({ plugin: RunOptions.entries.plugin });

function shown(plugins: Environment["plugins"], name: string): string {
  const found = plugins.all.filter(
    ({ plugin: one }) => one.name === name || one.aliases?.includes(name),
  );
  if (found.length > 0) {
    return found.map((one) => pluginHelp(one.plugin, one.source)).join("\n");
  }
  const names = plugins.all.map(({ plugin: one }) => one.name);
  const guess = didYouMean(name, names);
  throw new DynbenchError("plan", `There is no plugin "${name}"`, {
    hint: guess ? `Did you mean "${guess}"?` : 'See "dynbench plugin list"',
  });
}

function listing(plugins: Environment["plugins"]): string {
  const kinds = ["engine", "router", "workload", "reporter"] as const;
  const width = Math.max(...plugins.all.map(({ plugin: one }) => one.name.length)) + 2;
  return kinds
    .map((kind) => {
      const lines = plugins.ofKind(kind).map(({ plugin: one, source }) => {
        const from = source === "bundled" ? "" : `  (${source})`;
        return `  ${one.name.padEnd(width)}${one.summary}${from}`;
      });
      return `${kind}s\n${lines.join("\n")}\n`;
    })
    .join("\n");
}
