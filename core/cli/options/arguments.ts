/** argv → options as typed. Knows which flags are switches, and nothing else about them. */
import { PlanFaults, type Fault } from "../../base/errors.ts";
import type { OptionSpec } from "../../plan/option-spec.ts";
import type { RawOption } from "../../plan/raw-option.ts";

export interface Arguments {
  readonly options: readonly RawOption[];
  readonly positionals: readonly string[];
  /** Everything after `--`, as it was. */
  readonly engineArgs: readonly string[];
  readonly wantsHelp: boolean;
  /** Flags without their value. */
  readonly faults: readonly Fault[];
}

/** Reads the whole of it: what is wrong is told in `faults`, with what else is wrong. */
export function parseArguments(argv: readonly string[], specs: readonly OptionSpec[]): Arguments {
  const namesOf = (spec: OptionSpec): string[] => [spec.flag, spec.key, ...spec.aliases];
  const switches = new Set(specs.filter((spec) => spec.type === "boolean").flatMap(namesOf));
  const known = new Set(specs.flatMap(namesOf));
  const isIn = (names: ReadonlySet<string>, name: string): boolean =>
    names.has(name) || names.has(name.split(".").at(-1)!);
  const isSwitch = (name: string): boolean => isIn(switches, name);

  const options: RawOption[] = [];
  const positionals: string[] = [];
  const faults: Fault[] = [];
  let wantsHelp = false;
  let i = 0;
  for (; i < argv.length && argv[i] !== "--"; i += 1) {
    const token = argv[i]!;
    if (token === "-h" || token === "--help") wantsHelp = true;
    else if (!token.startsWith("--")) positionals.push(token);
    else {
      const equals = token.indexOf("=");
      const name = token.slice(2, equals === -1 ? undefined : equals);
      const origin = `--${name}`;
      if (equals !== -1) options.push({ name, value: token.slice(equals + 1), origin });
      else if (isSwitch(name)) options.push({ name, value: true, origin });
      else if (name.startsWith("no-") && isSwitch(name.slice(3))) {
        options.push({ name: name.slice(3), value: false, origin });
      } else if (isValue(argv[i + 1])) {
        i += 1;
        options.push({ name, value: argv[i]!, origin });
      } else if (!isIn(known, name)) {
        options.push({ name, value: true, origin }); // told as unknown, with a suggestion
      } else {
        faults.push({
          path: origin,
          message: "needs a value",
          hint: `${origin} VALUE or ${origin}=VALUE`,
        });
      }
    }
  }
  return { options, positionals, engineArgs: argv.slice(i + 1), wantsHelp, faults };
}

/** For commands that take no engine arguments and nothing but their own options: all or nothing. */
export function parseOwnArguments(
  command: string,
  argv: readonly string[],
  specs: readonly OptionSpec[],
): Arguments {
  const parsed = parseArguments(argv, specs);
  const faults = [
    ...parsed.faults,
    ...(argv.includes("--")
      ? [{ path: "--", message: `means nothing to dynbench ${command}` }]
      : []),
  ];
  if (faults.length > 0 && !parsed.wantsHelp) throw new PlanFaults(faults);
  return parsed;
}

/** Values of one flag, before anything else is parsed: plugins and configs decide what flags there are. */
export function valuesOf(argv: readonly string[], flag: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < argv.length && argv[i] !== "--"; i += 1) {
    const token = argv[i]!;
    if (token.startsWith(`--${flag}=`)) values.push(token.slice(flag.length + 3));
    else if (token === `--${flag}` && isValue(argv[i + 1])) values.push(argv[i + 1]!);
  }
  return values;
}

/** A negative number is a value, another flag is not. */
function isValue(token: string | undefined): boolean {
  if (token === undefined || token === "--") return false;
  return !token.startsWith("-") || token === "-" || /^-[\d.]/.test(token);
}
