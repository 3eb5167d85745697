/**
 * Which option each typed name means. A scope is a group of options that share a schema; a plan has
 * one for the run, the load, the virtual clock and the plane, and one for each plugin.
 */
import { guideFault } from "./guide-words.ts";
import { isNamed, optionSpecs, type OptionSpec } from "./option-spec.ts";
import type { RawOption } from "./raw-option.ts";
import type { Fault } from "../base/errors.ts";
import { given } from "../base/given.ts";
import { didYouMean } from "../base/suggest.ts";
import type { OptionsSchema } from "../contract/plugin.ts";
import type { AnyPlugin } from "../contract/plugins.ts";

export interface Scope<Schema extends OptionsSchema = OptionsSchema> {
  /** Qualifier: `run`, `load`, `sim`, `plane`, or a plugin's kind. */
  readonly kind: string;
  /** The plugin's name; left out where the options are no plugin's. */
  readonly plugin?: string;
  readonly schema: Schema;
  /** The options of the schema. */
  readonly specs: readonly OptionSpec[];
}

/** A scope of a schema; `plugin` is the name of the plugin that has it. */
export function scopeOf<Schema extends OptionsSchema>(
  kind: string,
  schema: Schema,
  plugin?: string,
): Scope<Schema> {
  return { kind, ...given({ plugin }), schema, specs: optionSpecs(schema) };
}

export function scopeOfPlugin({ kind, name, options }: AnyPlugin): Scope {
  return scopeOf(kind, options, name);
}

export interface Assignment {
  readonly scope: Scope;
  readonly spec: OptionSpec;
  readonly option: RawOption;
}

/** What was typed for one scope. */
export interface TypedOptions<Schema extends OptionsSchema = OptionsSchema> {
  readonly scope: Scope<Schema>;
  readonly typed: ReadonlyMap<OptionSpec, RawOption>;
}

/**
 * Finds the option that each name means. An unqualified name is first of all the run's own. An
 * unqualified router option goes to every chosen router that has it; elsewhere a name that two
 * plugins share must be qualified.
 */
export function assign(
  options: readonly RawOption[],
  scopes: readonly Scope[],
  /** Plugins that were not chosen: an option of theirs is reported as such. */
  others: readonly Scope[] = [],
): { assignments: Assignment[]; faults: Fault[] } {
  const assignments: Assignment[] = [];
  const faults: Fault[] = [];
  for (const option of options) {
    const [qualifier, bare] = splitQualifier(option.name, scopes);
    const all = scopes
      .filter((scope) => isMeant(scope, qualifier))
      .flatMap((scope) => {
        const spec = specIn(scope, bare);
        return spec ? [{ scope, spec, option }] : [];
      });
    const ofRun = all.filter(({ scope }) => scope.plugin === undefined);
    const found = ofRun.length > 0 ? ofRun : all;
    const kinds = new Set(found.map(({ scope }) => scope.kind));
    if (found.length === 0) faults.push(unknownOption(option, scopes, others));
    else if (kinds.size > 1) {
      faults.push({
        path: option.origin,
        message: `is an option of several parts: ${[...kinds].join(", ")}`,
        hint: `Say which: ${whichOf(found, bare)}`,
      });
    } else assignments.push(...found);
  }
  return { assignments, faults };
}

/** Their own flags, where the name that they share is another one; else the name behind each kind. */
function whichOf(found: readonly Assignment[], bare: string): string {
  const first = [...Map.groupBy(found, ({ scope }) => scope.kind).values()].map(([one]) => one!);
  const isDistinct = new Set(found.map(({ spec }) => spec.flag)).size === first.length;
  const each = first.map(({ scope: { kind, plugin }, spec: { flag } }) =>
    isDistinct ? `--${flag} (${kind} ${plugin})` : `--${kind}.${bare}`,
  );
  return each.join(" or ");
}

/**
 * Options of a reporter are named behind the reporter's name alone: `--html.path`. All reporters take
 * part in a run, and one more of them must not make another's flag ambiguous.
 */
export function isQualified({ kind }: Scope): boolean {
  return kind === "reporter";
}

function isMeant(scope: Scope, qualifier: string | undefined): boolean {
  if (scope.plugin !== undefined && scope.plugin === qualifier) return true;
  return !isQualified(scope) && (qualifier === undefined || scope.kind === qualifier);
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

function specIn({ specs }: Scope, name: string): OptionSpec | undefined {
  return specs.find((spec) => isNamed(spec, name));
}

function unknownOption(
  { name, origin: path }: RawOption,
  scopes: readonly Scope[],
  others: readonly Scope[],
): Fault {
  const bare = name.slice(name.lastIndexOf(".") + 1);
  // As typed: --no-kv-events switches off an option that some router has.
  const known = guideFault(path.replace(/^--/, "")) ?? guideFault(bare);
  if (known) return { path, ...known };
  const owner = others.find((scope) => specIn(scope, name));
  if (owner) {
    return {
      path,
      message: `is an option of ${owner.kind} "${owner.plugin}", which is not chosen`,
      hint: `Add --${owner.kind} ${owner.plugin}, or leave it out`,
    };
  }
  const reporters = scopes.filter((scope) => isQualified(scope) && specIn(scope, bare));
  if (reporters.length > 0) {
    return {
      path,
      message: "options of reporters are named behind the reporter's name",
      hint: `Say ${reporters.map(({ plugin }) => `--${plugin}.${bare}`).join(" or ")}`,
    };
  }
  const guess = didYouMean(name, scopes.flatMap(flagsOf));
  return {
    path,
    message: "there is no such option for the chosen plugins",
    hint: guess
      ? `Did you mean --${guess}?`
      : 'See "dynbench run --help", or "dynbench plugin show NAME" for a plugin\'s own options',
  };
}

function flagsOf(scope: Scope): string[] {
  const flags = scope.specs.flatMap(({ flag, aliases }) => [flag, ...aliases]);
  return isQualified(scope) ? flags.map((flag) => `${scope.plugin}.${flag}`) : flags;
}
