/** What the composition root hands to the commands. */
import type { PluginSet } from "../plugin-set.ts";

export interface Environment {
  readonly plugins: PluginSet;
  /** Command that starts this program again, for children. */
  readonly self: readonly string[];
}
