/** `dynbench man`: the manual page in roff with man(7) macros, from the same data as help and completion. */
import { COMMANDS } from "../options/command-list.ts";
import { commandWords, type CommandWords } from "./command-words.ts";
import type { CommandLine } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { defaultText, describedBounds, placeholder } from "../text/help.ts";
import { optionGroups, pluginGroup, type OptionGroup } from "../options/option-groups.ts";
import { DynbenchError, EXIT_CODES } from "../../base/errors.ts";
import type { OptionSpec } from "../../plan/option-spec.ts";
import { versionFacts, type VersionFacts } from "../../base/version.ts";

export async function man(line: CommandLine, environment: Environment): Promise<number> {
  if (line.wantsHelp) {
    process.stdout.write(
      "Usage: dynbench man\n\nPrints the manual page: dynbench man | man -l -\n",
    );
    return EXIT_CODES.ok.code;
  }
  const [unexpected] = line.typed;
  if (unexpected !== undefined) {
    throw new DynbenchError("plan", `Cannot print the manual page: "${unexpected}" is unexpected`, {
      hint: "dynbench man",
    });
  }
  process.stdout.write(manPage(environment, versionFacts()));
  return EXIT_CODES.ok.code;
}

/** The page describes the plugins of the set; that of a release, the bundled ones. */
export function manPage(
  { plugins, traceFormats }: Pick<Environment, "plugins" | "traceFormats">,
  { version, date }: Pick<VersionFacts, "version" | "date">,
): string {
  const run = optionGroups("run", plugins, []).filter(
    ({ title }) => !title.startsWith("Reporters"),
  );
  const own = plugins.all.map(({ plugin }) => ({
    ...pluginGroup(plugin),
    summary: plugin.summary,
  }));
  return [
    `.TH DYNBENCH 1 "${date ?? ""}" "dynbench ${version}" "User Commands"`,
    ".SH NAME",
    "dynbench \\- which LLM router serves your traffic best, and why",
    ".SH SYNOPSIS",
    ".B dynbench",
    ".I COMMAND",
    "[options] [\\-\\- engine arguments]",
    ".SH DESCRIPTION",
    ...text(
      "Starts workers of an LLM engine, puts a router in front of them, checks that the set-up is what its label says, sends the load, measures it, and explains the result in one HTML file.",
    ),
    ".SH COMMANDS",
    ...Object.entries(commandWords(traceFormats)).flatMap(([name, words]) =>
      command(name, COMMANDS[name as keyof typeof COMMANDS], words),
    ),
    ".SH OPTIONS OF RUN, PLAN AND UP",
    ...text(
      "If two parts have an option of the same name, name the part: \\-\\-workload.NAME, \\-\\-router.NAME. A list of values sweeps an option of the workload.",
      true,
    ),
    ...run.flatMap(group),
    ".SH PLUGINS",
    ...own.flatMap(({ summary, ...one }) => [
      ...heading(one.title),
      ...text(summary),
      ...one.specs.flatMap(option),
    ]),
    ".SH EXIT STATUS",
    ...Object.values(EXIT_CODES).flatMap(({ code, meaning }) => [
      ".TP",
      String(code),
      ...text(meaning),
    ]),
    ".SH ENVIRONMENT",
    ".TP",
    ".B NO_COLOR",
    "Disables colors.",
    ".TP",
    ".B XDG_DATA_HOME",
    "Added plugins are in dynbench/plugins below it; below ~/.local/share if it is not set.",
    "",
  ].join("\n");
}

function command(name: string, description: string, { verbs, options }: CommandWords): string[] {
  const verbList = verbs ? ` ${Object.keys(verbs).join("|")}` : "";
  const ofVerbs = Object.entries(verbs ?? {}).flatMap(([verb, words]) =>
    words.options.length === 0
      ? []
      : [...heading(`${name} ${verb}`), ...words.options.flatMap(option)],
  );
  return [
    ...heading(`${name}${verbList}`),
    ...text(description),
    ...options.flatMap(option),
    ...ofVerbs,
  ];
}

function group({ title, specs }: OptionGroup): string[] {
  return [...heading(title), ...specs.flatMap(option)];
}

function heading(words: string): string[] {
  return [`.SS "${escaped(words)}"`];
}

function option(spec: OptionSpec): string[] {
  const names = [spec.flag, ...spec.aliases].map((flag) => `\\fB${escaped(`--${flag}`)}\\fR`);
  const value = spec.type === "boolean" ? "" : ` \\fI${escaped(placeholder(spec))}\\fR`;
  const fallback = spec.sweep
    ? `[${spec.sweep.join(",")}]`
    : spec.default === false
      ? ""
      : defaultText(spec);
  return [
    ".TP",
    `${names.join(", ")}${value}`,
    ...text(`${describedBounds(spec)} ${fallback}`.trim()),
  ];
}

/** Escapes a first character that would make the line a roff request. */
function text(words: string, isRoff = false): string[] {
  const line = isRoff ? words : escaped(words);
  return [/^[.']/.test(line) ? `\\&${line}` : line];
}

/** Escapes backslashes, hyphens, and quotes, which would end an argument; replaces line breaks. */
export function escaped(words: string): string {
  return words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll('"', "\\(dq")
    .replaceAll(/\s+/g, " ");
}
