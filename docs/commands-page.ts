/** `docs/reference/commands.md`: every command, its words and its own options. */
import { COMMANDS, type CommandName } from "../core/cli/options/command-list.ts";
import { commandWords, type CommandWords } from "../core/cli/commands/command-words.ts";
import { VERB_HELP } from "../core/cli/text/plugin-help.ts";
import { optionGroups } from "../core/cli/options/option-groups.ts";
import { PluginSet } from "../core/plugin-folder/plugin-set.ts";
import { BUNDLED } from "../plugins/bundled.ts";
import { TRACE_FORMATS } from "../plugins/shared/traces/trace-formats.ts";
import { code, generatedPage } from "./markdown.ts";
import { optionTable } from "./option-table.ts";

/** How a command is typed, and what `--help` cannot be cut down to; a new command needs a row here. */
const USAGE: Readonly<Record<CommandName, string>> = {
  run: "dynbench run [options] [-- engine arguments]",
  tune: "dynbench tune [options] [-- engine arguments]",
  size: "dynbench size [options] [-- engine arguments]",
  plan: "dynbench plan [options] [-- engine arguments]",
  up: "dynbench up [options] [-- engine arguments]",
  ping: "dynbench ping [URL|PORT] [options]",
  report: "dynbench report DIR [DIR…] [options]",
  trace: "dynbench trace analyze|synthesize|convert FILE [options]",
  plugin: "dynbench plugin list|show|add|remove|new|test|pack [options]",
  doctor: "dynbench doctor [options]",
  "null-server": "dynbench null-server [options]",
  completion: "dynbench completion bash|zsh|fish",
  man: "dynbench man",
};

/** What each command does, in a sentence or two; with the page of the guide that shows it. */
const DOES: Readonly<Record<CommandName, string>> = {
  run: "Starts engines and routers, checks them, sends the load through each router, compares the results and writes the reports. Results go to stdout, progress and logs to stderr. See [first run](../guide/first-run.md).",
  tune: "Finds the best setting of each router for a load, by simulation: every number for which the plugin states a range varies. What it finds is judged on requests that the search never saw. Ctrl-C ends the search, and the best so far is judged.",
  size: "Finds the fewest workers with which each router keeps the limits of `--slo` for a share of the requests, or the highest rate that a number of workers holds, by simulation.",
  plan: "Prints what `run` with the same options would start and send, and starts nothing. `--json` prints the plan as a file that `run --config` accepts.",
  up: "Starts one engine and one router, prints their URLs and keeps them running until Ctrl-C. It sends no load. See [your own router](../guide/your-own-router.md#start-workers-and-router-without-a-load).",
  ping: "Sends one streamed request and checks the answer: at least one content chunk, a clean end, and token usage.",
  report:
    "Writes the reports of a run folder again, from its plan, facts and records. With several folders it writes one report that shows them side by side. Files `results_summary.json` of Dynamo's benchmark scripts are printed as one table. See [sweeps](../guide/sweeps.md#compare-runs).",
  trace: "Analyses, synthesizes and converts request traces. See [traces](../guide/traces.md).",
  plugin:
    "Lists and shows plugins, and makes, tests, adds and packs your own. See [write a plugin](../write-a-plugin.md).",
  doctor:
    "Examines the machine for what a run needs, and with `--clean` removes what dead runs left. See [your own workers](../guide/your-own-workers.md#check-the-machine-first).",
  "null-server":
    "Serves answers with a known timing, to test a load generator. See [trust](../guide/trust.md#check-the-load-generator).",
  completion: "Prints the completion script of a shell.",
  man: "Prints the manual page.",
};

/** What each command below `trace` does. */
const TRACE_DOES: Readonly<Record<string, string>> = {
  analyze:
    "Reports lengths, sharing, hit shares, caches and arrivals of trace files, plain, gzip or zstd; `-` is standard input.",
  synthesize:
    "Learns what the rows of a trace share and how they arrive, and writes new rows of that kind. Means are preserved, quantiles are not.",
  convert:
    "Writes the rows of a trace in another format, or the requests of a cell of a run folder as a trace.",
};

/** Options of `run`, `plan` and `up` have pages of their own. */
const OF_A_RUN =
  "Its options are those of the [run](options.md) and of the [plugins](plugins.md) that it uses.";

export function commandsReference(): string {
  const names = Object.keys(COMMANDS) as CommandName[];
  const words = commandWords(TRACE_FORMATS);
  return generatedPage(
    "Commands",
    "`dynbench COMMAND --help` prints the options of a command. `--debug` adds the stack to an error. `--version` prints the version, with `--json` also commit, date, Bun and target.",
    ...names.flatMap((name) => [
      `## ${name}`,
      DOES[name],
      `\`\`\`\n${USAGE[name]}\n\`\`\``,
      ...ofWords(name, words[name]),
    ]),
  );
}

function ofWords(name: CommandName, { takesRun, options, verbs }: CommandWords): string[] {
  if (takesRun) {
    const own = options.length === 0 ? [] : [optionTable(options)];
    return [OF_A_RUN, ...(name === "up" ? [ofUp()] : own)];
  }
  if (verbs === undefined) return options.length === 0 ? [] : [optionTable(options)];
  if (name === "plugin") return pluginVerbs(verbs);
  return Object.entries(verbs).flatMap(([verb, words]) => [
    `### ${name} ${verb}`,
    ...(TRACE_DOES[verb] ? [TRACE_DOES[verb]] : []),
    optionTable(words.options),
  ]);
}

/** It sends no load, so it takes a part of the options. */
function ofUp(): string {
  const [run] = optionGroups("up", new PluginSet(BUNDLED), []);
  const flags = run!.specs.map(({ flag }) => `--${flag}`);
  return `Of the options of a run it takes ${code(...flags)} and those of plane dynamo; of plugins, those of the engine and the router.`;
}

/** All verbs of `plugin` share their options. */
function pluginVerbs(verbs: NonNullable<CommandWords["verbs"]>): string[] {
  const [first] = Object.values(verbs);
  return [
    ...Object.entries(VERB_HELP).flatMap(([verb, help]) => [
      `### plugin ${verb}`,
      `\`\`\`\n${help.trimEnd()}\n\`\`\``,
    ]),
    "### Options of all plugin commands",
    optionTable(first!.options),
  ];
}
