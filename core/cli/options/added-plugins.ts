/** The plugins that a user has added, for every command that runs plugins; and the options about them. */
import * as v from "valibot";
import type { CommandLine } from "./command-line.ts";
import { loadAdded } from "../../plugin-folder/load-added.ts";
import { pluginFolder } from "../../plugin-folder/plugin-folder.ts";
import type { RawOption } from "../../plan/raw-option.ts";
import { RunOptions } from "../../plan/run-options.ts";
import { clashingNames } from "../../plan/run-scopes.ts";
import type { LoadedPlugin } from "../../contract/plugins.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";

/** Options of every command that runs plugins. */
export const PLUGIN_OPTIONS = {
  plugin: RunOptions.entries.plugin,
  pluginFolder: RunOptions.entries.pluginFolder,
  noPlugins: RunOptions.entries.noPlugins,
};

export type PluginOptions = v.InferOutput<ReturnType<typeof v.strictObject<typeof PLUGIN_OPTIONS>>>;

/**
 * The same options, read before any other: plugins decide which flags there are. A value of the wrong
 * form is left for later, when it is reported with everything else.
 */
export function pluginOptions(
  { flags }: Pick<CommandLine, "flags">,
  fromConfig: readonly RawOption[],
): PluginOptions {
  const typed = [
    ...fromConfig.map(({ name, value }) => ({ name, value })),
    ...flags.map(({ name, value, isAttached }) => {
      const isSwitch = !isAttached && NO_PLUGINS.includes(name);
      return { name, value: isSwitch ? true : value };
    }),
  ];
  const valuesOf = (...names: string[]): string[] =>
    typed
      .filter(({ name }) => names.includes(name.replace(/^run\./, "")))
      .flatMap(({ value }) => (value === undefined ? [] : [value].flat().map(String)));
  return {
    plugin: valuesOf("plugin"),
    pluginFolder: valuesOf("plugin-folder", "pluginFolder").at(-1),
    noPlugins: valuesOf(...NO_PLUGINS).at(-1) === "true",
  };
}

const NO_PLUGINS = ["no-plugins", "noPlugins"];

/** Loads added plugins, then the files named for this run; reports on stderr what is left out or replaced. */
export async function loadPlugins(plugins: PluginSet, options: PluginOptions): Promise<void> {
  if (!options.noPlugins) {
    await loadAdded(plugins, pluginFolder(options.pluginFolder));
    for (const { from, fault } of plugins.broken) {
      process.stderr.write(`Added plugin ${from} is not loaded: ${fault.message}\n`);
    }
  }
  for (const file of new Set(options.plugin)) sayClashes(await plugins.addFile(file));
  for (const { plugin, by } of plugins.replaced) {
    const { kind, name } = plugin.plugin;
    process.stderr.write(`The ${kind} "${name}" comes from ${by}, not from ${plugin.from}\n`);
  }
}

/** Reports on stderr which options of new plugins have a name of the run, for whoever writes or adds them. */
export function sayClashes(added: readonly LoadedPlugin[]): void {
  for (const { plugin } of added) {
    const { kind, name } = plugin;
    for (const option of clashingNames(plugin)) {
      process.stderr.write(
        `The ${kind} "${name}" has an option --${option}, which is a name of the run: rename it, or type --${kind}.${option}\n`,
      );
    }
  }
}
