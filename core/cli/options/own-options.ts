/** Options and words of a command with a schema of its own, without plugins' options or engine arguments. */
import type * as v from "valibot";
import { judgeTokens } from "./arguments.ts";
import type { CommandLine } from "./command-line.ts";
import { PlanFaults, type Fault } from "../../base/errors.ts";
import { assign, scopeOf } from "../../plan/assign.ts";
import { parseOptions } from "../../plan/parse-options.ts";
import type { OptionsSchema } from "../../contract/plugin.ts";

/** The schema's output and the words beside the options; throws `PlanFaults` with every fault. */
export function readOwnOptions<Schema extends OptionsSchema>(
  command: string,
  schema: Schema,
  { tokens, hasSeparator }: Pick<CommandLine, "tokens" | "hasSeparator">,
): { chosen: v.InferOutput<Schema>; words: readonly string[] } {
  const scope = scopeOf(command, schema);
  const { options, words, faults: unread } = judgeTokens(tokens, [scope]);
  const faults: Fault[] = [...unread];
  if (hasSeparator) faults.push({ path: "--", message: `means nothing to dynbench ${command}` });
  const { assignments, faults: unknown } = assign(options, [scope]);
  for (const { path, hint } of unknown) {
    const isGuess = hint?.startsWith("Did you mean");
    faults.push({
      path,
      message: "there is no such option",
      hint: isGuess ? hint : `See "dynbench ${command} --help"`,
    });
  }
  const typed = new Map(assignments.map(({ spec, option }) => [spec, option] as const));
  const chosen = parseOptions({ scope, typed }, faults);
  if (!chosen || faults.length > 0) throw new PlanFaults(faults);
  return { chosen, words };
}
