/** The tokens of a command line, judged by the options that there are: raw options and words. */
import type { Token } from "./command-line.ts";
import type { Fault } from "../../base/errors.ts";
import { optionNames, type OptionSpec } from "../../plan/option-spec.ts";
import type { RawOption } from "../../plan/raw-option.ts";

export interface Arguments {
  readonly options: readonly RawOption[];
  /** Words that are no option's value. */
  readonly words: readonly string[];
  /** Flags without their value. */
  readonly faults: readonly Fault[];
}

/** Only a switch takes no value: the word after it is a word of its own. */
export function judgeTokens(tokens: readonly Token[], specs: readonly OptionSpec[]): Arguments {
  const known = new Set(specs.flatMap(optionNames));
  const switches = new Set(specs.filter(({ type }) => type === "boolean").flatMap(optionNames));
  const isIn = (names: ReadonlySet<string>, name: string): boolean =>
    names.has(name) || names.has(name.split(".").at(-1)!);
  const options: RawOption[] = [];
  const words: string[] = [];
  const faults: Fault[] = [];
  for (const token of tokens) {
    if (typeof token === "string") {
      words.push(token);
      continue;
    }
    const { name, value, isAttached } = token;
    const origin = `--${name}`;
    const isOff = name.startsWith("no-") && isIn(switches, name.slice(3));
    if (!isAttached && (isIn(switches, name) || isOff)) {
      const isOn = isIn(switches, name);
      options.push({ name: isOn ? name : name.slice(3), value: isOn, origin });
      if (value !== undefined) words.push(value);
    } else if (value !== undefined) options.push({ name, value, origin });
    // An unknown flag is reported as unknown, with a suggestion, not as one without a value.
    else if (!isIn(known, name)) options.push({ name, value: true, origin });
    else {
      const hint = `${origin} VALUE or ${origin}=VALUE`;
      faults.push({ path: origin, message: "needs a value", hint });
    }
  }
  return { options, words, faults };
}
