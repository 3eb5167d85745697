/** What the composition root hands to the commands. */
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";
import type { TraceFormat } from "../../trace/trace-format.ts";
import type { PluginKind } from "../../contract/plugins.ts";

export interface Environment {
  readonly plugins: PluginSet;
  /** Formats of trace files, in the order in which a file is tried. */
  readonly traceFormats: readonly TraceFormat[];
  /** Command that starts this program again, for children. */
  readonly self: readonly string[];
  /** What `plugin new` writes: an example of each kind. Loaded when it is wanted. */
  readonly examples: () => Promise<Readonly<Record<PluginKind, PluginExample>>>;
}

/** A plugin of one source file with its test, as text. Its name stands for the new one's. */
export interface PluginExample {
  readonly name: string;
  readonly source: string;
  readonly test: string;
  /** Other files that it comes with, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** How it is run, after `dynbench run`; `FOLDER/` stands for where its files are. */
  readonly options: string;
}
