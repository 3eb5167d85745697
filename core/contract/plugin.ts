/**
 * What all four kinds of plugin have in common. Start reading here, then `engine.ts`, `router.ts`,
 * `workload.ts` and `reporter.ts`.
 *
 * A plugin is a plain object made by `defineEngine`, `defineRouter`, `defineWorkload` or
 * `defineReporter`. It has a `name` (as the user types it), a `summary` (one line for `--help`) and
 * `options`: a strict valibot schema, the only source of checks, defaults, flags, help and docs.
 * Leave an optional method out if the plugin cannot do it; never write a stub.
 *
 * Option metadata (`v.metadata({...})`, see `OptionMetadata`) declares aliases of the flag and sweeps.
 * `v.description` is the help text and is required. A name ends with its unit: `timeoutS`, `rateRps`.
 */
import type * as v from "valibot";

/**
 * Version of this contract. It is raised when a plugin written for the version before would no longer
 * work as written. `define…` sets it, and a plugin of another version is refused with both numbers.
 */
export const API_VERSION = 1;

export type OptionsSchema = v.StrictObjectSchema<v.ObjectEntries, any>;

/** What `v.metadata()` may declare about an option. */
export interface OptionMetadata {
  /** Other spellings of the flag, without dashes: `["num-workers"]`. */
  aliases?: readonly string[];
  /** Default sweep: each value is measured unless the user gives one. */
  sweep?: readonly (number | string)[];
  /** Secret: masked wherever it is printed or stored. */
  secret?: boolean;
  /** Items of a list option are taken as typed, not split at commas. */
  verbatim?: boolean;
  /** Names a file that a workload reads. The plan records its digest; `-` is standard input. */
  file?: boolean;
}

export interface PluginBase<Schema extends OptionsSchema> {
  /** Version of the contract that it was written for; set by `define…`. Set it yourself so that a newer dynbench refuses the plugin. */
  readonly apiVersion?: number;
  /** Kebab-case, unique within its kind. */
  readonly name: string;
  /** Other names the user may type. */
  readonly aliases?: readonly string[];
  /** One line for lists and `--help`. */
  readonly summary: string;
  readonly options: Schema;
}
