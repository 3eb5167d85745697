/** Tables of options, from what the schemas say. */
import { defaultText, describedBounds, placeholder } from "../core/cli/text/help.ts";
import type { OptionSpec } from "../core/plan/option-spec.ts";
import { code, table } from "./markdown.ts";

/** One row an option: flag with its aliases, value, default, meaning with the choices. */
export function optionTable(specs: readonly OptionSpec[]): string {
  if (specs.length === 0) return "It has no options.";
  return table(["option", "default", "meaning"], specs.map(optionRow));
}

export function optionRow(spec: OptionSpec): string[] {
  const value = spec.type === "boolean" ? "" : ` ${placeholder(spec)}`;
  const [first, ...aliases] = [spec.flag, ...spec.aliases].map((flag) => `--${flag}`);
  return [code(`${first}${value}`, ...aliases), defaultOf(spec), meaningOf(spec)];
}

function defaultOf(spec: OptionSpec): string {
  if (spec.isRequired) return "required";
  if (spec.sweep) return `${code(spec.sweep.join(","))}, swept`;
  const text = defaultText(spec).replace(/^\[|\]$/g, "");
  return text === "" ? "" : code(text);
}

function meaningOf(spec: OptionSpec): string {
  const { choices, tune } = spec;
  const listed = choices ? `: ${code(...choices)}` : "";
  const range = tune ? ` (tuned from ${tune.from} to ${tune.to})` : "";
  return `${escaped(describedBounds(spec))}${listed}${range}`;
}

/** `*` and `_` inside words, and `<`, are Markdown's own. */
function escaped(text: string): string {
  return text.replaceAll("*", "\\*").replaceAll("<", "\\<");
}
