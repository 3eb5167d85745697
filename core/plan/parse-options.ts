/** Raw options of one schema → its complete output, with every fault named by its place. */
import * as v from "valibot";
import { optionSpecs, type OptionSpec } from "./option-spec.ts";
import { coerce, type RawOption } from "./raw-option.ts";
import type { Fault } from "../errors.ts";
import type { OptionsSchema } from "../plugin.ts";

/** The schema's output for the given raw options; undefined, with the faults told, when they do not pass. */
export function parseOptions(
  path: string,
  schema: OptionsSchema,
  given: Map<OptionSpec, RawOption>,
  faults: Fault[],
): Record<string, unknown> | undefined {
  const raw: Record<string, unknown> = {};
  const broken = new Set<string>();
  for (const [spec, option] of given) {
    const result = coerce(spec, option.value);
    if ("fault" in result) {
      broken.add(spec.key);
      const choices = spec.choices ? ` (one of ${spec.choices.join(", ")})` : "";
      const isList = path === "load" && String(option.value).includes(",");
      faults.push({
        path: `${path}.${spec.flag}`,
        message: `${result.fault}${choices}`,
        hint: isList ? `To sweep it: --sweep ${spec.flag}=${String(option.value)}` : undefined,
      });
    } else raw[spec.key] = result.value;
  }
  const parsed = v.safeParse(schema, raw);
  if (parsed.success)
    return broken.size === 0 ? (parsed.output as Record<string, unknown>) : undefined;
  const specs = optionSpecs(schema);
  for (const issue of parsed.issues) {
    const key = String(issue.path?.[0]?.key ?? "");
    if (broken.has(key)) continue;
    const spec = specs.find((one) => one.key === key);
    const index = issue.path?.[1]?.key;
    const where = index === undefined ? "" : `[${String(index)}]`;
    faults.push({
      path: `${path}.${spec?.flag ?? key}${where}`,
      message:
        issue.received === "undefined"
          ? "is required"
          : `expected ${expectation(issue)}, got ${issue.received}`,
      hint: spec?.choices ? `One of: ${spec.choices.join(", ")}` : undefined,
    });
  }
  return undefined;
}

function expectation(issue: v.BaseIssue<unknown>): string {
  if (issue.type === "integer") return "a whole number";
  return issue.expected ?? issue.message;
}
