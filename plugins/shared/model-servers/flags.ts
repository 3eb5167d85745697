/** Flags among the arguments of a command, and addresses of this machine. Pure. */
import { DynbenchError } from "dynbench";

/** Names of the flags among arguments: `--a=1 --no-b` are `--a` and `--no-b`. */
export function flagNames(args: readonly string[]): Set<string> {
  const flags = args.filter((arg) => arg.startsWith("--")).map((arg) => arg.split("=")[0]!);
  return new Set(flags.map((flag) => flag.replaceAll("_", "-")));
}

/** The value of a flag among arguments, as `--flag value` or `--flag=value`; the last one counts. */
export function flagValue(args: readonly string[], flag: string): string | undefined {
  let value: string | undefined;
  args.forEach((arg, i) => {
    if (arg === flag) value = args[i + 1];
    else if (arg.startsWith(`${flag}=`)) value = arg.slice(flag.length + 1);
  });
  return value;
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** Throws when the arguments after `--` have a flag that dynbench sets for each server. */
export function refuseOwn(own: readonly string[], engineArgs: readonly string[]): void {
  const given = flagNames(engineArgs);
  const clash = own.find((flag) => given.has(flag.replaceAll("_", "-")));
  if (clash === undefined) return;
  throw new DynbenchError("plan", `${clash} after -- is set by dynbench for each server`, {
    hint: "Leave it out; use --model-path, --served-model-name, --first-port, --worker-host",
  });
}

/** Of the wanted flags those that the program has, and that the user did not give after `--`. */
export function flagsFor(
  wanted: readonly (readonly string[])[],
  { flags, engineArgs }: { flags: ReadonlySet<string>; engineArgs: readonly string[] },
): string[] {
  const given = flagNames(engineArgs);
  const isKnown = (flag: string): boolean => flags.size === 0 || flags.has(flag);
  const isOurs = ([flag]: readonly string[]): boolean => {
    const name = flag!.replaceAll("_", "-");
    return isKnown(flag!) && !given.has(name) && !given.has(name.replace(/^--(no-)?/, "--no-"));
  };
  return wanted.filter(isOurs).flat();
}

/** A flag with its value, where there is one. */
export function some(flag: string, value: number | string | undefined): string[][] {
  return value === undefined ? [] : [[flag, `${value}`]];
}

/** A flag with a count, where that is more than one. */
export function several(flag: string, count: number): string[][] {
  return count > 1 ? [[flag, `${count}`]] : [];
}
