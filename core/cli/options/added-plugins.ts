/** The plugins that a user has added, for every command that runs plugins; and the options about them. */
import * as v from "valibot";
import { loadAdded } from "../../plugin-folder/load-added.ts";
import { pluginFolder } from "../../plugin-folder/plugin-folder.ts";
import { RunOptions } from "../../plan/run-options.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";

/** Options of every command that runs plugins. */
export const PLUGIN_OPTIONS = {
  plugin: RunOptions.entries.plugin,
  pluginFolder: RunOptions.entries.pluginFolder,
  noPlugins: RunOptions.entries.noPlugins,
};

export type PluginOptions = v.InferOutput<ReturnType<typeof v.strictObject<typeof PLUGIN_OPTIONS>>>;

/** Loads added plugins, then the files named for this run; what is left out is told on stderr. */
export async function loadPlugins(plugins: PluginSet, options: PluginOptions): Promise<void> {
  if (!options.noPlugins) {
    await loadAdded(plugins, pluginFolder(options.pluginFolder));
    for (const { from, fault } of plugins.broken) {
      process.stderr.write(`Added plugin ${from} is left out: ${fault.message}\n`);
    }
  }
  for (const file of new Set(options.plugin)) await plugins.addFile(file);
  for (const { plugin, by } of plugins.replaced) {
    const { kind, name } = plugin.plugin;
    process.stderr.write(`The ${kind} "${name}" is that of ${by}, not of ${plugin.from}\n`);
  }
}
