/** What `tune` and `size` share: a plan of one load on the virtual clock, and options of their own. */
import type { CommandLine, Token } from "../options/command-line.ts";
import type { Environment } from "../options/environment.ts";
import { readOwnOptions } from "../options/own-options.ts";
import { planFromArguments, type Planned } from "./plan-from-arguments.ts";
import type * as v from "valibot";
import { PlanFaults, type Fault } from "../../base/errors.ts";
import type { Plan } from "../../contract/plan.ts";
import type { OptionsSchema } from "../../contract/plugin.ts";
import { flagOf, optionNames, optionSpecs } from "../../plan/option-spec.ts";

/** Options of a run that have no meaning for a command that repeats and compares by itself. */
const NOT_FOR_ONE_LOAD: ReadonlySet<string> = new Set([
  ...["clock", "repeat", "primary", "control", "until", "max-repeat", "max-time"],
  ...["sweep", "resume", "decisions"],
]);

export interface OneLoad<Own> {
  readonly own: Own;
  /** Undefined when help was asked for and printed. */
  readonly planned: Planned | undefined;
}

/** Throws `PlanFaults`. */
export async function planOneLoad<Schema extends OptionsSchema>(
  command: string,
  schema: Schema,
  { line, environment }: { line: CommandLine; environment: Environment },
): Promise<OneLoad<v.InferOutput<Schema>>> {
  const { own, rest: others } = parted(command, schema, line.tokens);
  const { chosen, words } = readOwnOptions(command, schema, { tokens: own, hasSeparator: false });
  const rest = [...others, ...words];
  const faults = unfit(command, rest);
  const planned = await planFromArguments(command, virtual(line, rest), environment);
  if (planned) faults.push(...pointFaults(planned.plan));
  if (faults.length > 0) throw new PlanFaults(faults);
  return { own: chosen, planned };
}

/** The command's own flags, and everything else. */
function parted(
  command: string,
  schema: OptionsSchema,
  tokens: readonly Token[],
): { own: Token[]; rest: Token[] } {
  const names = new Set(optionSpecs(schema).flatMap(optionNames));
  const prefix = `${command}.`;
  const isOwn = (token: Token): boolean =>
    typeof token !== "string" &&
    names.has(token.name.startsWith(prefix) ? token.name.slice(prefix.length) : token.name);
  return { own: tokens.filter(isOwn), rest: tokens.filter((token) => !isOwn(token)) };
}

function unfit(command: string, tokens: readonly Token[]): Fault[] {
  return tokens.flatMap((token): Fault[] => {
    if (typeof token === "string") return [];
    if (!NOT_FOR_ONE_LOAD.has(token.name.replace(/^(run|sim)\./, ""))) return [];
    const message = `has no meaning for dynbench ${command}, which simulates, repeats and compares by itself`;
    return [{ path: `--${token.name}`, message, hint: "Leave it out" }];
  });
}

/** The same line on the virtual clock, without a second measurement of a reference. */
function virtual(line: CommandLine, tokens: readonly Token[]): CommandLine {
  const set = (name: string, value: string): Token => ({ name, value, isAttached: true });
  const all = [...tokens, set("clock", "virtual"), set("control", "off")];
  return { ...line, tokens: all, flags: all.filter((token) => typeof token !== "string") };
}

/** A list of values, or the default sweep of a workload, makes several points. */
function pointFaults({ cells }: Plan): Fault[] {
  const points = new Set(cells.map(({ parameters }) => JSON.stringify(parameters)));
  if (points.size <= 1) return [];
  const { parameters } = cells.at(-1)!;
  return Object.entries(parameters).map(([key, value]) => ({
    path: `--${flagOf(key)}`,
    message: "has several values here, and one load is wanted",
    hint: `Name one: --${flagOf(key)} ${String(value)}`,
  }));
}
