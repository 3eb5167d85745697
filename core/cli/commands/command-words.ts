/** Words and options of each command, for completion and the manual page. */
import * as v from "valibot";
import type { CommandName } from "../options/command-list.ts";
import { DoctorOptions } from "./doctor.ts";
import { NullServerOptions } from "./null-server.ts";
import { PingOptions } from "./ping.ts";
import { SizeOptions } from "../../decide/size-options.ts";
import { TuneOptions } from "../../decide/tune-options.ts";
import type { VERB_HELP } from "../text/plugin-help.ts";
import { PluginCommandOptions } from "./plugin.ts";
import { ReportOptions } from "./report.ts";
import { analyzeOptions } from "./trace-analyze.ts";
import { convertOptions } from "./trace-convert.ts";
import { synthesizeOptions } from "./trace-synthesize.ts";
import { optionSpecs, type OptionSpec } from "../../plan/option-spec.ts";
import type { TraceFormat } from "../../trace/trace-format.ts";
import type { OptionsSchema } from "../../contract/plugin.ts";

/** A word that is no option: one of these, the name of a plugin, or a name that the shell completes. */
export type Word = readonly string[] | "plugin" | "files" | "folders" | "url";

export interface CommandWords {
  /** Whether its options are those of a run and of the chosen plugins. */
  readonly takesRun?: boolean;
  readonly options: readonly OptionSpec[];
  /** Subcommands: `analyze` of `trace`. */
  readonly verbs?: Readonly<Record<string, CommandWords>>;
  /** The words in order; with `repeats` the last may occur several times. */
  readonly words: readonly Word[];
  readonly repeats?: boolean;
}

const NO_OPTIONS = v.strictObject({});
const RUN: CommandWords = { takesRun: true, options: [], words: [] };

export const commandWords = (
  formats: readonly TraceFormat[],
): Readonly<Record<CommandName, CommandWords>> => ({
  run: RUN,
  tune: { takesRun: true, options: optionSpecs(TuneOptions), words: [] },
  size: { takesRun: true, options: optionSpecs(SizeOptions), words: [] },
  plan: RUN,
  up: RUN,
  ping: own(PingOptions, ["url"]),
  report: { ...own(ReportOptions, ["folders"]), repeats: true },
  trace: {
    ...own(NO_OPTIONS, []),
    verbs: {
      analyze: { ...own(analyzeOptions(formats), ["files"]), repeats: true },
      synthesize: own(synthesizeOptions(formats), ["files"]),
      convert: own(convertOptions(formats), ["files"]),
    },
  },
  plugin: { ...own(NO_OPTIONS, []), verbs: pluginVerbs() },
  doctor: own(DoctorOptions, []),
  "null-server": own(NullServerOptions, []),
  completion: own(NO_OPTIONS, [["bash", "zsh", "fish"]]),
  man: own(NO_OPTIONS, []),
});

function own(schema: OptionsSchema, words: readonly Word[]): CommandWords {
  return { options: optionSpecs(schema), words };
}

function pluginVerbs(): Record<keyof typeof VERB_HELP, CommandWords> {
  const verb = (...words: Word[]): CommandWords => own(PluginCommandOptions, words);
  return {
    list: verb(),
    show: verb("plugin"),
    add: verb("files"),
    remove: verb(),
    new: verb(["engine", "router", "workload", "reporter"]),
    test: verb("folders"),
    pack: verb("folders"),
  };
}
