/** argv → options as typed. Knows which flags are switches, and nothing else about them. */
import { PlanFaults, type Fault } from "../errors.ts";
import type { OptionSpec } from "../plan/option-spec.ts";
import type { RawOption } from "../plan/raw-option.ts";

export interface Arguments {
  readonly options: readonly RawOption[];
  readonly positionals: readonly string[];
  /** Everything after `--`, as it was. */
  readonly engineArgs: readonly string[];
  readonly wantsHelp: boolean;
}

/** Throws `PlanFaults` for a flag without its value. */
export function parseArguments(argv: readonly string[], specs: readonly OptionSpec[]): Arguments {
  const switches = new Set(
    specs
      .filter((spec) => spec.type === "boolean")
      .flatMap((spec) => [spec.flag, spec.key, ...spec.aliases]),
  );
  const isSwitch = (name: string): boolean =>
    switches.has(name) || switches.has(name.split(".").at(-1)!);

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
      } else {
        // Told as unknown later, if it is; a known flag without a value is told here.
        faults.push({
          path: origin,
          message: "needs a value",
          hint: `${origin} VALUE or ${origin}=VALUE`,
        });
      }
    }
  }
  if (faults.length > 0 && !wantsHelp) throw new PlanFaults(faults);
  return { options, positionals, engineArgs: argv.slice(i + 1), wantsHelp };
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
