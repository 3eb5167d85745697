/** Messages about the value of an option: the option as it is typed, what is wrong, and what to type instead. */
import type * as v from "valibot";
import type { Scope } from "./assign.ts";
import type { OptionSpec } from "./option-spec.ts";
import { splitList } from "./raw-option.ts";
import type { Fault } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";

/** For a secret value, which must not be quoted. */
const NOT_FIT = "does not have the form that it must have";

/** The fault of a value that cannot have its option's type. */
export function valueFault(
  message: string,
  { scope, spec, value }: { scope: Scope; spec: OptionSpec; value: unknown },
): Fault {
  return {
    path: `${placeOf(scope)}.${spec.flag}`,
    message: spec.isSecret ? NOT_FIT : message,
    hint: severalHint(spec, value, scope),
  };
}

/** The fault of a value that its schema does not let pass, or of an option that is missing. */
export function issueFault(issue: v.BaseIssue<unknown>, scope: Scope): Fault {
  const [first, second] = issue.path ?? [];
  const key = String(first?.key ?? "");
  const spec = scope.specs.find((one) => one.key === key);
  const flag = spec?.flag ?? key;
  const index = second === undefined ? "" : `[${String(second.key)}]`;
  const path = `${placeOf(scope)}.${flag}${index}`;
  if (issue.received === "undefined") {
    const typed = scope.kind === "reporter" ? path : flag;
    return { path, message: "is required", hint: `Add --${typed} VALUE` };
  }
  if (spec?.isSecret) return { path, message: NOT_FIT };
  if (spec?.choices) {
    const typed = String(issue.input);
    const guess = didYouMean(typed, spec.choices);
    return {
      path,
      message: `expected one of ${spec.choices.join(", ")}, got "${typed}"`,
      hint: severalHint(spec, first?.value, scope) ?? (guess && `Did you mean ${guess}?`),
    };
  }
  return { path, message: issueText(issue), hint: shareHint(issue) };
}

/** All reporters take part in a run, so their kind alone would not name one. */
function placeOf({ kind, plugin }: Scope): string {
  return kind === "reporter" && plugin !== undefined ? plugin : kind;
}

/** For a list where one value belongs: how to measure all of its values, by a sweep or as arms. */
function severalHint(spec: OptionSpec, value: unknown, scope: Scope): string | undefined {
  const items = typeof value === "string" ? splitList(value) : [];
  if (items.length < 2) return undefined;
  if (scope.kind === "load") return `To sweep it: --sweep ${spec.flag}=${items.join(",")}`;
  if (scope.kind !== "engine" && scope.kind !== "router") return undefined;
  const arms = items.map((item) => `--${scope.kind} ${scope.plugin}:${spec.flag}=${item}`);
  return `To compare them as arms: ${arms.join(" ")}`;
}

/** Whoever types 50 for a share means per cent. */
function shareHint(issue: v.BaseIssue<unknown>): string | undefined {
  const { input } = issue;
  const isShare = issue.type === "max_value" && issue.requirement === 1;
  if (!isShare || typeof input !== "number" || input < 2 || input > 100) return undefined;
  return `It is a share from 0 to 1: for ${input} % say ${input / 100}`;
}

/** What is wrong with a value, as the end of a sentence that begins with the option. */
export function issueText(issue: v.BaseIssue<unknown>): string {
  const { requirement } = issue;
  const received = cut(issue.received);
  // A message by the author of a schema is better than one made of a regular expression.
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
  const isValue = received !== "Object" && received !== "Array";
  if (isOwn) return isValue ? `${issue.message}, got ${received}` : issue.message;
  return `expected ${issue.expected ?? "something else"}, got ${received}`;
}

/** A long value is not repeated whole. */
function cut(received: string): string {
  return received.length > MAX_QUOTED ? `${received.slice(0, MAX_QUOTED)}…` : received;
}

const MAX_QUOTED = 80;
