/** The tokens of a command line, judged by the options that there are: raw options and words. */
import type { Token } from "./command-line.ts";
import type { Fault } from "../../base/errors.ts";
import type { Scope } from "../../plan/assign.ts";
import { isNamed, type OptionSpec } from "../../plan/option-spec.ts";
import type { RawOption } from "../../plan/raw-option.ts";

export interface Arguments {
  readonly options: readonly RawOption[];
  /** Words that are no option's value. */
  readonly words: readonly string[];
  /** Flags without their value. */
  readonly faults: readonly Fault[];
}

/** Options that have a qualifier in common. */
export type NamedOptions = Pick<Scope, "kind" | "plugin" | "specs">;

/**
 * Only a switch takes no value: the word after it is a word of its own. A name of several scopes is
 * that of the first one, unless it is qualified. With `spaced`, words after a value are more of a list.
 */
export function judgeTokens(
  tokens: readonly Token[],
  scopes: readonly NamedOptions[],
  { spaced = false }: { readonly spaced?: boolean } = {},
): Arguments {
  const options: RawOption[] = [];
  const words: string[] = [];
  const faults: Fault[] = [];
  /** Whether words go on with the value of the last option. */
  let isList = false;
  for (const token of tokens) {
    if (typeof token === "string") {
      const last = options.at(-1);
      if (spaced && isList)
        options.push({ ...options.pop()!, value: `${String(last!.value)},${token}` });
      else words.push(token);
      continue;
    }
    const { name, value, isAttached } = token;
    const origin = `--${name}`;
    const spec = specOf(name, scopes);
    const off =
      spec === undefined && name.startsWith("no-") ? specOf(name.slice(3), scopes) : undefined;
    isList = spec !== undefined && value !== undefined && takesList(spec);
    if (!isAttached && (spec ?? off)?.type === "boolean") {
      options.push({ name: off ? name.slice(3) : name, value: !off, origin });
      if (value !== undefined) words.push(value);
    } else if (value !== undefined) options.push({ name, value, origin });
    // An unknown flag is reported as unknown, with a suggestion, not as one without a value.
    else if (spec === undefined) options.push({ name, value: true, origin });
    else {
      const hint = `${origin} VALUE or ${origin}=VALUE`;
      faults.push({ path: origin, message: "needs a value", hint });
    }
  }
  return { options, words, faults };
}

/** A text may hold spaces and commas of its own; a list, a number that is swept and a choice do not. */
function takesList({ type, isVerbatim, choices }: OptionSpec): boolean {
  return (type === "list" && !isVerbatim) || type === "number" || choices !== undefined;
}

/** The option of the name; behind a qualifier that no scope has, that of the rest. */
function specOf(name: string, scopes: readonly NamedOptions[]): OptionSpec | undefined {
  const dot = name.indexOf(".");
  const qualifier = name.slice(0, Math.max(0, dot));
  const own = scopes.filter(({ kind, plugin }) => qualifier === kind || qualifier === plugin);
  const bare = name.slice(own.length > 0 ? dot + 1 : name.lastIndexOf(".") + 1);
  for (const { specs } of own.length > 0 ? own : scopes) {
    const spec = specs.find((one) => isNamed(one, bare));
    if (spec !== undefined) return spec;
  }
  return undefined;
}
