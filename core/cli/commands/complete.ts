/** What can come next on a command line, from the schemas of the options. Pure. */
import { judgeTokens } from "../options/arguments.ts";
import type { CommandLine, Token } from "../options/command-line.ts";
import { COMMANDS, type CommandName } from "../options/command-list.ts";
import type { Environment } from "../options/environment.ts";
import { commandWords, type CommandWords, type Word } from "./command-words.ts";
import { chosenPlugins, optionGroups, possibleOptions } from "../options/option-groups.ts";
import { optionNames, optionSpecs, type OptionSpec } from "../../plan/option-spec.ts";
import { LoadOptions } from "../../plan/run-options.ts";
import type { AnyPlugin } from "../../contract/plugins.ts";
import type { PluginSet } from "../../plugin-folder/plugin-set.ts";
import type { PluginKind } from "../../contract/plugins.ts";

export interface Candidate {
  /** The complete word. */
  readonly word: string;
  readonly description: string;
}

/** Words from this program, or names that the shell completes after `prefix` (`--trace=`). */
export type Completion =
  | { readonly kind: "words"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "files" | "folders"; readonly prefix: string };

const FILES: Completion = { kind: "files", prefix: "" };
const KINDS = ["engine", "router", "workload"] as const;

/** `line`: what stands before the word `typed` that is being typed, which is empty before its first letter. */
export function complete(
  line: CommandLine,
  typed: string,
  { plugins, traceFormats }: Pick<Environment, "plugins" | "traceFormats">,
): Completion {
  const { command: name, tokens } = line;
  if (name === undefined) return words(typed, [...commandNames(), ...flags(GLOBAL)]);
  const commands = commandWords(traceFormats);
  if (!Object.hasOwn(commands, name)) return words(typed, []);
  const command = commands[name as CommandName];
  if (line.hasSeparator) return FILES; // the engine's own arguments
  if (!command.verbs) return completeIn({ name, command, before: tokens, typed }, plugins);
  const [verb, ...after] = tokens;
  if (verb === undefined) return words(typed, names(Object.keys(command.verbs)));
  if (typeof verb !== "string" || !Object.hasOwn(command.verbs, verb)) return words(typed, []);
  return completeIn({ name, command: command.verbs[verb]!, before: after, typed }, plugins);
}

interface Place {
  readonly name: string;
  readonly command: CommandWords;
  readonly before: readonly Token[];
  readonly typed: string;
}

function completeIn(place: Place, plugins: PluginSet): Completion {
  const { command, before, typed } = place;
  const specs = specsOf(place, plugins);
  // The value of a plugin's option is completed even before the plugin is named.
  const known = command.takesRun ? [...specs, ...pluginSpecs(plugins)] : specs;
  const [, flag, value] = /^--([^=]+)=(.*)$/s.exec(typed) ?? [];
  if (flag !== undefined) {
    return valueOf(specOf(known, flag), { prefix: `--${flag}=`, value: value! }, plugins);
  }
  const last = before.at(-1);
  const isWaiting = typeof last === "object" && last.value === undefined;
  const waiting = isWaiting ? specOf(known, last.name) : undefined;
  if (waiting && waiting.type !== "boolean" && !typed.startsWith("--")) {
    return valueOf(waiting, { prefix: "", value: typed }, plugins);
  }
  if (typed.startsWith("-")) return words(typed, [...flags(specs), ...flags(HELP)]);
  return positional(place, specs, plugins);
}

/** For a run, includes the options of the plugins that are named so far. */
function specsOf({ name, command, before }: Place, plugins: PluginSet): readonly OptionSpec[] {
  if (!command.takesRun) return command.options;
  const { options } = judgeTokens(before, possibleOptions(plugins));
  return optionGroups(
    name,
    plugins,
    named(() => chosenPlugins(options, plugins)),
  ).flatMap(({ specs }) => specs);
}

function pluginSpecs(plugins: PluginSet): readonly OptionSpec[] {
  return plugins.all.flatMap(({ plugin }) => optionSpecs(plugin.options));
}

/** An arm that is still being typed may be invalid. */
function named(choose: () => readonly AnyPlugin[]): readonly AnyPlugin[] {
  try {
    return choose();
  } catch {
    return [];
  }
}

function specOf(specs: readonly OptionSpec[], flag: string): OptionSpec | undefined {
  return specs.find((spec) => optionNames(spec).includes(flag));
}

interface Typed {
  /** What precedes the value in the same word: `--router=`. */
  readonly prefix: string;
  readonly value: string;
}

function valueOf(spec: OptionSpec | undefined, at: Typed, plugins: PluginSet): Completion {
  if (!spec) return words(at.prefix + at.value, []);
  const kind = KINDS.find((one) => one === spec.key);
  if (kind) return armOf(kind, at, plugins);
  const typed = at.prefix + at.value;
  if (spec.key === "sweep") {
    const specs = [...optionSpecs(LoadOptions), ...workloadSpecs(plugins)];
    return words(
      typed,
      specs.map(({ flag, description }) => ({ word: `${at.prefix}${flag}=`, description })),
    );
  }
  if (spec.choices) {
    const start = spec.type === "list" ? at.value.slice(0, at.value.lastIndexOf(",") + 1) : "";
    const taken = start.split(",");
    const left = spec.choices.filter((choice) => !taken.includes(choice));
    return words(typed, names(left.map((choice) => `${at.prefix}${start}${choice}`)));
  }
  const isText = spec.type === "string" || (spec.type === "list" && spec.itemType === "string");
  return isText ? { kind: "files", prefix: at.prefix } : words(typed, []);
}

function workloadSpecs(plugins: PluginSet): OptionSpec[] {
  const specs = plugins.ofKind("workload").flatMap(({ plugin }) => optionSpecs(plugin.options));
  return specs.filter(({ flag }, i) => specs.findIndex((one) => one.flag === flag) === i);
}

/** `kv,round-`: names of plugins; `kv:temp`, `mocker:workers=8,spe`: options of the one before. */
function armOf(kind: PluginKind, { prefix, value }: Typed, plugins: PluginSet): Completion {
  const cut = Math.max(value.lastIndexOf(","), value.lastIndexOf(":")) + 1;
  const start = prefix + value.slice(0, cut);
  const arms = value.slice(0, cut).split(",");
  const colon = arms.findLast((arm) => arm.includes(":"));
  const isInline = value.slice(0, cut).endsWith(":");
  const owner = plugins.find(kind, (isInline ? arms.at(-1)! : (colon ?? "")).split(":")[0]!);
  const options = owner ? optionSpecs(owner.plugin.options) : [];
  const inline = options.map(({ key, description }) => ({ word: `${start}${key}=`, description }));
  const others = plugins.ofKind(kind).map(({ plugin }) => ({
    word: `${start}${plugin.name}`,
    description: plugin.summary,
  }));
  return words(prefix + value, isInline ? inline : [...others, ...inline]);
}

function positional(
  { command, before, typed }: Place,
  specs: readonly OptionSpec[],
  plugins: PluginSet,
): Completion {
  const given = judgeTokens(before, [{ kind: "", specs }]).words.length;
  const word: Word | undefined =
    command.words[command.repeats ? Math.min(given, command.words.length - 1) : given];
  if (word === undefined || word === "url") return words(typed, []);
  if (word === "files" || word === "folders") return { kind: word, prefix: "" };
  if (word !== "plugin") return words(typed, names(word));
  return words(
    typed,
    plugins.all.map(({ plugin: { name, kind, summary } }) => ({
      word: name,
      description: `${kind}: ${summary}`,
    })),
  );
}

function commandNames(): Candidate[] {
  return Object.entries(COMMANDS).map(([word, description]) => ({ word, description }));
}

type Flag = Pick<OptionSpec, "flag" | "description"> & Partial<Pick<OptionSpec, "default">>;

const HELP: readonly Flag[] = [{ flag: "help", description: "Print how it is used" }];
const GLOBAL: readonly Flag[] = [
  ...HELP,
  { flag: "version", description: "Print the version; with --json also commit, Bun and target" },
];

/** A switch that is on by default is offered in the form that turns it off. */
function flags(specs: readonly Flag[]): Candidate[] {
  return specs.map(({ flag, description, default: fallback }) => ({
    word: fallback === true ? `--no-${flag}` : `--${flag}`,
    description,
  }));
}

function names(all: readonly string[]): Candidate[] {
  return all.map((word) => ({ word, description: "" }));
}

function words(typed: string, candidates: readonly Candidate[]): Completion {
  return { kind: "words", candidates: candidates.filter(({ word }) => word.startsWith(typed)) };
}
