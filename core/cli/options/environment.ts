/** What the composition root passes to the commands. */
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";
import type { TraceFormat } from "../../trace/trace-format.ts";
import type { PluginKind } from "../../contract/plugins.ts";

export interface Environment {
  readonly plugins: PluginSet;
  /** Formats of trace files, in the order in which a file is tried. */
  readonly traceFormats: readonly TraceFormat[];
  /** Command that starts this program again, for child processes. */
  readonly self: readonly string[];
  /** An example of each kind, from which `plugin new` makes a plugin. Loaded on demand. */
  readonly examples: () => Promise<Readonly<Record<PluginKind, PluginExample>>>;
}

/** A plugin of one source file with its test, as text. Its name is replaced by that of the new plugin. */
export interface PluginExample {
  readonly name: string;
  readonly source: string;
  readonly test: string;
  /** Other files that belong to it, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Options of `dynbench run` that use it; `FOLDER/` stands for the folder of its files. */
  readonly options: string;
}
