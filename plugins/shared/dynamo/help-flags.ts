/** Which flags a program takes, read from its `--help` as Python's argparse prints it. Pure. */

/** All long flags of the usage and of the option list; those that descriptions mention are not among them. */
export function helpFlags(help: string): ReadonlySet<string> {
  const usage = help.split(/\n\s*\n/)[0]!;
  const listed = help.split("\n").filter((line) => /^ {2}-/.test(line));
  // The explanation follows after two spaces where it stands on the flag's own line.
  const options = listed.map((line) => line.trim().split(/ {2,}/)[0]!);
  return new Set([usage, ...options].flatMap((text) => text.match(FLAG) ?? []));
}

/** The values that a flag's `{a,b,c}` names; undefined where the help lists none. */
export function helpChoices(help: string, flag: string): readonly string[] | undefined {
  const at = new RegExp(`(?<![\\w-])${flag}\\s+\\{([^}]+)\\}`);
  return at
    .exec(help)?.[1]
    ?.split(",")
    .map((choice) => choice.trim());
}

const FLAG = /(?<![\w-])--[a-z][a-z0-9-]*/g;
