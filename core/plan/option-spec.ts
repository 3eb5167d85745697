/**
 * Options as data: what a valibot schema declares about each of its entries, for flags, help, the
 * conversion of typed text, and docs. The schema stays the only source; this file reads it.
 */
import { given } from "../base/given.ts";
import * as v from "valibot";
import type { OptionMetadata, OptionsSchema, TuneRange } from "../contract/plugin.ts";

export interface OptionSpec {
  /** As in the schema: `numPrefixPrompts`. */
  readonly key: string;
  /** As on the command line, without dashes: `num-prefix-prompts`. */
  readonly flag: string;
  readonly aliases: readonly string[];
  readonly type: "number" | "boolean" | "string" | "list" | "record";
  /** Type of a list's items. */
  readonly itemType?: "number" | "string";
  readonly choices?: readonly string[];
  /** Of a number, or of the numbers of a list. */
  readonly bounds: Bounds;
  readonly description: string;
  /** Undefined when the option may be left out without a default, or is required. */
  readonly default: unknown;
  readonly isRequired: boolean;
  readonly sweep?: readonly (number | string)[];
  readonly isSecret: boolean;
  /** Items of the list are not split at commas. */
  readonly isVerbatim: boolean;
  /** Names a file that is read. */
  readonly isFile: boolean;
  /** Of a number that a tuner may vary. */
  readonly tune?: TuneRange;
}

/** The least and the largest value; `above`: the least is just above it. */
export interface Bounds {
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
}

/** The options of a schema, in its order. Throws on what a plugin's author did wrong: a type that no flag can carry, a range that cannot be tuned over. */
export function optionSpecs(schema: OptionsSchema): readonly OptionSpec[] {
  let specs = READ.get(schema);
  if (!specs) {
    specs = Object.entries(schema.entries).map(([key, entry]) => specOf(key, entry as AnySchema));
    READ.set(schema, specs);
  }
  return specs;
}

/** Each schema is read once, so that an option is the same object wherever it is looked up. */
const READ = new WeakMap<OptionsSchema, readonly OptionSpec[]>();

/** Every way in which an option may be typed, without dashes. */
export function optionNames({ flag, key, aliases }: OptionSpec): string[] {
  return [flag, key, ...aliases];
}

/** Whether a typed name means the option. */
export function isNamed(spec: OptionSpec, name: string): boolean {
  return spec.key === keyOf(name) || optionNames(spec).includes(name);
}

/** `numPrefixPrompts` → `num-prefix-prompts`. */
export function flagOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `num-prefix-prompts` → `numPrefixPrompts`. */
export function keyOf(flag: string): string {
  return flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

interface AnySchema {
  readonly type: string;
  readonly wrapped?: AnySchema;
  readonly default?: unknown;
  readonly options?: readonly unknown[];
  readonly item?: AnySchema;
  readonly pipe?: readonly (AnySchema & {
    readonly kind: string;
    readonly requirement?: unknown;
  })[];
}

function specOf(key: string, entry: AnySchema): OptionSpec {
  const metadata: OptionMetadata = {};
  let description = "";
  let isOptional = false;
  let fallback: unknown;
  let schema = entry;
  for (;;) {
    const piped = schema as unknown as v.GenericSchema;
    Object.assign(metadata, v.getMetadata(piped));
    description ||= v.getDescription(piped) ?? "";
    if (!schema.wrapped) break;
    isOptional = true;
    fallback = typeof schema.default === "function" ? schema.default() : schema.default;
    schema = schema.wrapped;
  }
  const { type, itemType, choices } = typeOf(key, schema);
  return {
    key,
    flag: flagOf(key),
    aliases: metadata.aliases ?? [],
    type,
    ...given({ itemType, choices }),
    bounds: boundsOf(schema.item ?? schema),
    description,
    default: fallback,
    isRequired: !isOptional,
    ...given({ sweep: metadata.sweep }),
    isSecret: metadata.secret === true,
    isVerbatim: metadata.verbatim === true,
    isFile: metadata.file === true,
    ...given({ tune: metadata.tune && checkedTune(key, metadata.tune, entry) }),
  };
}

/** Throws where the ends are no values of the option, or the scale does not fit them. */
function checkedTune(key: string, tune: TuneRange, entry: AnySchema): TuneRange {
  const fault = tuneFault(tune, entry);
  if (fault !== undefined) throw new Error(`option "${key}" cannot be tuned: ${fault}`);
  return tune;
}

function tuneFault({ from, to, scale }: TuneRange, entry: AnySchema): string | undefined {
  if (scale !== "linear" && scale !== "log") return `its scale is "${String(scale)}"`;
  if (!(from < to)) return `from ${from} to ${to} is no range`;
  if (scale === "log" && from <= 0) return `a log scale cannot begin at ${from}`;
  const schema = entry as unknown as v.GenericSchema;
  const refused = [from, to].find((value) => !v.safeParse(schema, value).success);
  return refused === undefined ? undefined : `it refuses ${refused}`;
}

/** Those of all steps of a pipe, one in another included. */
function boundsOf({ pipe = [] }: AnySchema): Bounds {
  const bounds: { -readonly [key in keyof Bounds]: Bounds[key] } = {};
  for (const step of pipe) {
    if (step.kind === "schema") Object.assign(bounds, step.pipe ? boundsOf(step) : {});
    if (typeof step.requirement !== "number") continue;
    if (step.type === "min_value") bounds.least = step.requirement;
    if (step.type === "gt_value") bounds.above = step.requirement;
    if (step.type === "max_value") bounds.most = step.requirement;
  }
  return bounds;
}

function typeOf(
  key: string,
  schema: AnySchema,
): Pick<OptionSpec, "type"> & { itemType?: "number" | "string"; choices?: readonly string[] } {
  switch (schema.type) {
    case "number":
    case "boolean":
    case "string":
      return { type: schema.type };
    case "picklist":
      return { type: "string", choices: (schema.options ?? []).map(String) };
    case "array": {
      const item = schema.item!;
      const choices = item.type === "picklist" ? { choices: (item.options ?? []).map(String) } : {};
      return { type: "list", itemType: item.type === "number" ? "number" : "string", ...choices };
    }
    case "record":
      return { type: "record" };
    default:
      throw new Error(`option "${key}": a ${schema.type} schema cannot be given as a flag`);
  }
}
