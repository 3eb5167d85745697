/** Options of a command that has its own schema and no plugins. */
import type * as v from "valibot";
import { PlanFaults, type Fault } from "../../base/errors.ts";
import { optionSpecs } from "../../plan/option-spec.ts";
import { parseOptions } from "../../plan/parse-options.ts";
import { assign, type RawOption } from "../../plan/raw-option.ts";
import type { OptionsSchema } from "../../contract/plugin.ts";

/** The schema's output; throws `PlanFaults` with every fault. */
export function parseOwnOptions<Schema extends OptionsSchema>(
  command: string,
  schema: Schema,
  options: readonly RawOption[],
): v.InferOutput<Schema> {
  const { assignments, faults: unknown } = assign(options, [
    { kind: command, specs: optionSpecs(schema) },
  ]);
  const faults: Fault[] = unknown.map(({ path, hint }) => ({
    path,
    message: "there is no such option",
    hint: hint?.startsWith("Did you mean") ? hint : `See "dynbench ${command} --help"`,
  }));
  const given = new Map(assignments.map(({ spec, option }) => [spec, option] as const));
  const parsed = parseOptions(given, { kind: command, schema }, faults);
  if (!parsed || faults.length > 0) throw new PlanFaults(faults);
  return parsed;
}
