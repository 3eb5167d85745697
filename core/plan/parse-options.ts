/** Raw options of one schema → its complete output, with every fault named by its place. */
import * as v from "valibot";
import { optionSpecs, type OptionSpec } from "./option-spec.ts";
import { coerce, splitList, type RawOption } from "./raw-option.ts";
import { didYouMean } from "../base/suggest.ts";
import type { Fault } from "../base/errors.ts";
import type { OptionsSchema } from "../contract/plugin.ts";

/** Whose options they are: `engine` and `mocker`, or `load` alone. */
export interface Part {
  readonly kind: string;
  readonly plugin?: string;
  readonly schema: OptionsSchema;
}

/** The schema's output for the given raw options; undefined, with the faults told, when they do not pass. */
export function parseOptions(
  given: ReadonlyMap<OptionSpec, RawOption>,
  part: Part,
  faults: Fault[],
): Record<string, unknown> | undefined {
  const raw: Record<string, unknown> = {};
  const broken = new Set<string>();
  for (const [spec, option] of given) {
    const isBare = option.value === true && spec.type !== "boolean";
    const result = isBare ? { fault: "needs a value" } : coerce(spec, option.value);
    if ("fault" in result) {
      broken.add(spec.key);
      const hint = severalHint(spec, option.value, part);
      const message = spec.isSecret ? NOT_FIT : result.fault;
      faults.push({ path: `${placeOf(part)}.${spec.flag}`, message, hint });
    } else raw[spec.key] = result.value;
  }
  const parsed = v.safeParse(part.schema, raw);
  if (parsed.success) return broken.size === 0 ? parsed.output : undefined;
  const specs = optionSpecs(part.schema);
  for (const issue of parsed.issues) {
    const key = String(issue.path?.[0]?.key ?? "");
    if (!broken.has(key)) faults.push(issueFault(issue, { part, key, specs, value: raw[key] }));
  }
  return undefined;
}

/** Of a secret value, which is not quoted. */
const NOT_FIT = "has not the form that it must have";

function issueFault(
  issue: v.BaseIssue<unknown>,
  at: { part: Part; key: string; specs: readonly OptionSpec[]; value: unknown },
): Fault {
  const spec = at.specs.find((one) => one.key === at.key);
  const index = issue.path?.[1]?.key;
  const where = index === undefined ? "" : `[${String(index)}]`;
  const path = `${placeOf(at.part)}.${spec?.flag ?? at.key}${where}`;
  if (issue.received === "undefined") {
    const flag = at.part.kind === "reporter" ? path : (spec?.flag ?? at.key);
    return { path, message: "is required", hint: `Add --${flag} VALUE` };
  }
  if (spec?.isSecret) return { path, message: NOT_FIT };
  if (spec?.choices) {
    const typed = String(issue.input);
    const guess = didYouMean(typed, spec.choices);
    return {
      path,
      message: `expected one of ${spec.choices.join(", ")}, got "${typed}"`,
      hint: severalHint(spec, at.value, at.part) ?? (guess && `Did you mean ${guess}?`),
    };
  }
  return { path, message: messageOfIssue(issue), hint: shareHint(issue) };
}

/** Reporters all take part, so the kind would not tell which. */
function placeOf({ kind, plugin }: Part): string {
  return kind === "reporter" && plugin !== undefined ? plugin : kind;
}

/** A list where one value belongs: how to have them all, by a sweep or as arms. */
function severalHint(spec: OptionSpec, value: unknown, part: Part): string | undefined {
  const items = typeof value === "string" ? splitList(value) : [];
  if (items.length < 2) return undefined;
  if (part.kind === "load") return `To sweep it: --sweep ${spec.flag}=${items.join(",")}`;
  if (part.kind !== "engine" && part.kind !== "router") return undefined;
  const arms = items.map((item) => `--${part.kind} ${part.plugin}:${spec.flag}=${item}`);
  return `To compare them as arms: ${arms.join(" ")}`;
}

/** Whoever types 50 for a share means per cent. */
function shareHint(issue: v.BaseIssue<unknown>): string | undefined {
  const { input } = issue;
  const isShare = issue.type === "max_value" && issue.requirement === 1;
  if (!isShare || typeof input !== "number" || input < 2 || input > 100) return undefined;
  return `It is a share from 0 to 1: for ${input} % say ${input / 100}`;
}

function messageOfIssue(issue: v.BaseIssue<unknown>): string {
  const { received, requirement } = issue;
  // What the author of a schema says beats what can be said of a regular expression.
  const isOwn = !issue.message.startsWith("Invalid ");
  switch (issue.type) {
    case "integer":
      return `expected a whole number, got ${received}`;
    case "min_value":
      return `expected at least ${String(requirement)}, got ${received}`;
    case "gt_value":
      return `expected more than ${String(requirement)}, got ${received}`;
    case "max_value":
      return `expected at most ${String(requirement)}, got ${received}`;
    case "min_length":
    case "non_empty":
      return isOwn ? issue.message : "must not be empty";
    case "max_length":
      return `has ${received} entries, more than ${String(requirement)}`;
  }
  if (isOwn) return `${issue.message}, got ${received}`;
  return `expected ${issue.expected ?? "something else"}, got ${received}`;
}
