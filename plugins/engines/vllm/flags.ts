/** Flags among the arguments of a command, and addresses of this machine. Pure. */

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
