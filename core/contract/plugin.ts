/**
 * What all four kinds of plugin have in common. Start reading here, then `engine.ts`, `router.ts`,
 * `workload.ts` and `reporter.ts`.
 *
 * A plugin is a plain object made by `defineEngine`, `defineRouter`, `defineWorkload` or
 * `defineReporter`. It has a `name` (as the user types it), a `summary` (one line for `--help`) and
 * `options`: a strict valibot schema, the one source of checking, defaults, flags, help and docs.
 * Leaving an optional method out is a statement ("cannot"), never a stub.
 *
 * Option metadata (`v.metadata({...})`, see `OptionMetadata`) names flag aliases and sweeps;
 * `v.description` is the help text and is required. Units end the name: `timeoutS`, `rateRps`.
 */
import type * as v from "valibot";

/**
 * Version of this contract. It goes up when a plugin written for the one before would no longer do
 * what it says; `define…` stamps it, and a plugin of another version is refused with both numbers.
 */
export const API_VERSION = 1;

export type OptionsSchema = v.StrictObjectSchema<v.ObjectEntries, any>;

/** What `v.metadata()` may say about an option. */
export interface OptionMetadata {
  /** Other spellings of the flag, without dashes: `["num-workers"]`. */
  aliases?: readonly string[];
  /** Swept over these values unless the user gives one. */
  sweep?: readonly (number | string)[];
  /** Never printed or stored as it is. */
  secret?: boolean;
  /** Items of a list option are taken as typed, not split at commas. */
  verbatim?: boolean;
  /** Of a workload: names a file that it reads. The plan holds its digest; `-` is standard input. */
  file?: boolean;
}

export interface PluginBase<Schema extends OptionsSchema> {
  /** The contract it was written for. Stamped by `define…`; say it yourself to be told of a new one. */
  readonly apiVersion?: number;
  /** Kebab-case, unique within its kind. */
  readonly name: string;
  /** Other names the user may type. */
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly options: Schema;
}
