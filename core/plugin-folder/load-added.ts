/** Loads the packages of a plugin folder. One that cannot be used is left out, and the rest goes on. */
import { addedPackages, entryOf } from "./plugin-folder.ts";
import { DynbenchError } from "../base/errors.ts";
import type { PluginSet } from "./plugin-set.ts";

export interface LoadDetails {
  /** The package that is left alone: a new version of it is about to be loaded. */
  readonly except?: string;
}

/** Plugins that do not load are in `plugins.broken` afterwards. */
export async function loadAdded(
  plugins: PluginSet,
  folder: string | undefined,
  { except }: LoadDetails = {},
): Promise<void> {
  for (const added of addedPackages(folder)) {
    if (added.name === except) continue;
    const from = `${added.name} ${added.version}`;
    try {
      await plugins.addFile(entryOf(added), from);
    } catch (fault) {
      if (!(fault instanceof DynbenchError)) throw fault;
      plugins.leaveOut({ from, fault });
    }
  }
}
