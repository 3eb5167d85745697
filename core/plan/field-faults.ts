/** Faults of a saved plan, each named by the place of its field in the file: `arms[0].router.options.temperature`. */
import type * as v from "valibot";
import { issueText } from "./option-faults.ts";
import type { Fault } from "../base/errors.ts";
import { didYouMean } from "../base/suggest.ts";

/** Keys and indices from the top of the plan. */
export type Place = readonly (string | number)[];

/** More characters of a value do not help to find it. */
const SHOWN = 60;

export function placeText(place: Place): string {
  return place.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

export function fault(place: Place, message: string): Fault {
  return { path: placeText(place) || "top", message };
}

/** What a schema says about the value at `at`. Without `quotes` no value is repeated: it may be a secret. */
export function shapeFaults(
  issues: readonly v.BaseIssue<unknown>[],
  at: Place,
  quotes: (place: Place) => boolean = () => true,
): Fault[] {
  return issues.map((issue) => {
    const place = [...at, ...(issue.path ?? []).map(({ key }) => key as string | number)];
    if (issue.received === "undefined") return fault(place, "is missing");
    if (issue.type === "strict_object" && issue.expected === "never") return unknown(place, []);
    return fault(
      place,
      quotes(place) ? issueText(issue) : "does not have the form that it must have",
    );
  });
}

/** A key that has no place there, with the one that was probably meant. */
export function unknown(place: Place, known: readonly string[]): Fault {
  const guess = didYouMean(String(place.at(-1)), known);
  return fault(place, `is not known there${guess === undefined ? "" : `; did you mean ${guess}?`}`);
}

/** Where a saved value is not what follows from the rest of the plan. `why` ends each sentence. */
export function differences(saved: unknown, expected: unknown, at: Place, why: string): Fault[] {
  if (isTable(saved) && isTable(expected)) {
    const keys = new Set([...Object.keys(saved), ...Object.keys(expected)]);
    return [...keys].flatMap((key) => differences(saved[key], expected[key], [...at, key], why));
  }
  if (Array.isArray(saved) && Array.isArray(expected) && saved.length === expected.length) {
    return saved.flatMap((item, i) => differences(item, expected[i], [...at, i], why));
  }
  if (JSON.stringify(saved) === JSON.stringify(expected)) return [];
  if (saved === undefined) return [fault(at, `is missing; it is ${shown(expected)} ${why}`)];
  if (expected === undefined) return [fault(at, `is ${shown(saved)} and must be left out ${why}`)];
  return [fault(at, `is ${shown(saved)} and must be ${shown(expected)} ${why}`)];
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
