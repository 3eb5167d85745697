/**
 * Options as they were typed, before any schema has seen them: on the command line, inline in an
 * arm, or in a config file. Here names find their scope and strings become typed values.
 */
import type { Fault } from "../base/errors.ts";
import { keyOf, type OptionSpec } from "./option-spec.ts";
import { didYouMean } from "../base/suggest.ts";

export interface RawOption {
  /** As typed, without dashes: `isl`, `workload.isl`, `numPrefixPrompts`. */
  readonly name: string;
  /** A string from a flag, anything from a config file, a list where a flag was repeated. */
  readonly value: unknown;
  /** Where it was typed, for messages: `--isl`, `bench.yaml: isl`. */
  readonly origin: string;
}

/** A group of options that share a schema: the run's, the load's, or a plugin's. */
export interface Scope {
  /** Qualifier: `run`, `load`, `sim`, `engine`, `router`, `workload`. */
  readonly kind: string;
  /** The plugin's name; undefined for run, load and sim. */
  readonly plugin?: string;
  readonly specs: readonly OptionSpec[];
  /**
   * Its options are named behind the plugin's name alone: `--html.path`. So it is with reporters,
   * which all take part in a run: one more of them never makes another's flag ambiguous.
   */
  readonly isQualified?: boolean;
}

export interface Assignment {
  readonly scope: Scope;
  readonly spec: OptionSpec;
  readonly option: RawOption;
}

/**
 * Finds the option that each name means. An unqualified router option goes to every chosen router
 * that has it; elsewhere a name that two plugins share must be qualified.
 */
export function assign(
  options: readonly RawOption[],
  scopes: readonly Scope[],
  /** Plugins that were not chosen: an option of theirs is told as such. */
  others: readonly Scope[] = [],
): { assignments: Assignment[]; faults: Fault[] } {
  const assignments: Assignment[] = [];
  const faults: Fault[] = [];
  for (const option of options) {
    const [qualifier, bare] = splitQualifier(option.name, scopes);
    const found = scopes
      .filter((scope) => isMeant(scope, qualifier))
      .flatMap((scope) => {
        const spec = scope.specs.find((candidate) => isNamed(candidate, bare));
        return spec ? [{ scope, spec, option }] : [];
      });
    const kinds = new Set(found.map(({ scope }) => scope.kind));
    if (found.length === 0) faults.push(unknownOption(option, scopes, others));
    else if (kinds.size > 1) {
      faults.push({
        path: option.origin,
        message: `is an option of several parts: ${[...kinds].join(", ")}`,
        hint: `Say which: ${[...kinds].map((kind) => `--${kind}.${bare}`).join(" or ")}`,
      });
    } else assignments.push(...found);
  }
  return { assignments, faults };
}

/** The typed value of a raw one, or the reason why it is none. */
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

export function isNamed(spec: OptionSpec, name: string): boolean {
  return (
    spec.key === name ||
    spec.flag === name ||
    spec.key === keyOf(name) ||
    spec.aliases.includes(name)
  );
}

function isMeant(scope: Scope, qualifier: string | undefined): boolean {
  if (scope.plugin !== undefined && scope.plugin === qualifier) return true;
  return !scope.isQualified && (qualifier === undefined || scope.kind === qualifier);
}

function splitQualifier(
  name: string,
  scopes: readonly Scope[],
): [qualifier: string | undefined, bare: string] {
  const dot = name.indexOf(".");
  if (dot === -1) return [undefined, name];
  const qualifier = name.slice(0, dot);
  const isKnown = scopes.some(({ kind, plugin }) => kind === qualifier || plugin === qualifier);
  return isKnown ? [qualifier, name.slice(dot + 1)] : [undefined, name];
}

function unknownOption(
  option: RawOption,
  scopes: readonly Scope[],
  others: readonly Scope[],
): Fault {
  const owner = others.find(({ specs }) => specs.some((spec) => isNamed(spec, option.name)));
  if (owner) {
    return {
      path: option.origin,
      message: `is an option of ${owner.kind} "${owner.plugin}", which is not chosen`,
      hint: `Add --${owner.kind} ${owner.plugin}, or leave it out`,
    };
  }
  const bare = option.name.slice(option.name.lastIndexOf(".") + 1);
  const qualified = scopes
    .filter(({ isQualified, specs }) => isQualified && specs.some((spec) => isNamed(spec, bare)))
    .map(({ plugin }) => `--${plugin}.${bare}`);
  if (qualified.length > 0) {
    return {
      path: option.origin,
      message: "options of reporters are named behind the reporter's name",
      hint: `Say ${qualified.join(" or ")}`,
    };
  }
  const names = scopes.flatMap(({ specs, plugin, isQualified }) =>
    specs
      .flatMap((spec) => [spec.flag, ...spec.aliases])
      .map((flag) => (isQualified ? `${plugin}.${flag}` : flag)),
  );
  const guess = didYouMean(option.name, names);
  return {
    path: option.origin,
    message: "there is no such option for the chosen plugins",
    hint: guess
      ? `Did you mean --${guess}?`
      : 'See "dynbench run --help", or "dynbench plugin show NAME" for a plugin\'s own options',
  };
}

/** Decimal notation alone: `0x10`, `Infinity` and `1,5` are slips, and so is what no double holds. */
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

function last(value: unknown): unknown {
  return Array.isArray(value) ? value[value.length - 1] : value;
}

function isScalar(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

function show(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  return typeof value === "number" ? String(value) : JSON.stringify(value); // JSON has no NaN
}
