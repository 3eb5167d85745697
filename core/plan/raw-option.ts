/**
 * Options as they were typed, before any schema has seen them: on the command line, inline in an
 * arm, or in a config file; and how typed text becomes a value of the option's type.
 */
import type { OptionSpec } from "./option-spec.ts";

export interface RawOption {
  /** As typed, without dashes: `isl`, `workload.isl`, `numPrefixPrompts`. */
  readonly name: string;
  /** A string from a flag, any value from a config file, a list if a flag was repeated. */
  readonly value: unknown;
  /** Where it was typed, for messages: `--isl`, `bench.yaml: isl`. */
  readonly origin: string;
}

/** The raw value in the type of its option, or why it cannot have that type. */
export function coerce(spec: OptionSpec, value: unknown): { value: unknown } | { fault: string } {
  switch (spec.type) {
    case "number":
      return number(last(value));
    case "boolean":
      return boolean(last(value));
    case "string": {
      const given = last(value);
      return isScalar(given)
        ? { value: String(given) }
        : { fault: `expected text, got ${show(given)}` };
    }
    case "list": {
      const items = (Array.isArray(value) ? value : [value]).flatMap((item: unknown) =>
        typeof item === "string" && !spec.isVerbatim ? splitList(item) : [item],
      );
      if (spec.itemType !== "number") {
        const odd = items.find((item) => !isScalar(item));
        return odd === undefined
          ? { value: items.map(String) }
          : { fault: `expected a list of texts, got ${show(odd)} in it` };
      }
      const numbers = items.map(number);
      const bad = numbers.find((item) => "fault" in item);
      return bad ?? { value: numbers.map((item) => (item as { value: number }).value) };
    }
    case "record":
      return typeof value === "object" && value !== null && !Array.isArray(value)
        ? { value }
        : { fault: `expected a table, got ${show(value)}` };
  }
}

/** Items of `a,b,c`. A comma inside brackets, braces or quotes does not split. */
export function splitList(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let inQuotes = false;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i]!;
    if (char === '"') inQuotes = !inQuotes;
    else if (!inQuotes && (char === "{" || char === "[" || char === "(")) depth += 1;
    else if (!inQuotes && (char === "}" || char === "]" || char === ")")) depth -= 1;
    else if (char === "," && depth === 0 && !inQuotes) {
      items.push(text.slice(start, i));
      start = i + 1;
    }
  }
  items.push(text.slice(start));
  return items.map((item) => item.trim()).filter((item) => item !== "");
}

/** Decimal notation only: `0x10`, `Infinity` and `1,5` are mistakes, and so is a number too large for a double. */
function number(value: unknown): { value: number } | { fault: string } {
  const text = typeof value === "string" ? value.trim() : "";
  const isDecimal = /^[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
  const parsed = isDecimal ? Number(text.replaceAll("_", "")) : value;
  if (typeof parsed === "number" && Number.isFinite(parsed)) return { value: parsed };
  return { fault: `expected a number, got ${show(value)}` };
}

function boolean(value: unknown): { value: boolean } | { fault: string } {
  if (typeof value === "boolean") return { value };
  if (value === "true" || value === "yes" || value === "on") return { value: true };
  if (value === "false" || value === "no" || value === "off") return { value: false };
  return { fault: `expected true or false, got ${show(value)}` };
}

/** What was typed last counts; an empty list stays what it is, to be named. */
function last(value: unknown): unknown {
  return Array.isArray(value) && value.length > 0 ? value.at(-1) : value;
}

/** A value as the text that it stands for; a list or a table as it was written. */
export function textOf(value: unknown): string {
  return isScalar(value) ? String(value) : JSON.stringify(value);
}

function isScalar(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

function show(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  return typeof value === "number" ? String(value) : JSON.stringify(value); // JSON has no NaN
}
