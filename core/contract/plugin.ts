/**
 * What all four kinds of plugin have in common. Start reading here, then `engine.ts`, `router.ts`,
 * `workload.ts` and `reporter.ts`.
 *
 * A plugin is a plain object made by `defineEngine`, `defineRouter`, `defineWorkload` or
 * `defineReporter`. It has a `name` (as the user types it), a `summary` (one line for `--help`) and
 * `options`: a strict valibot schema, the only source of checks, defaults, flags, help and docs.
 * Leave an optional method out if the plugin cannot do it; never write a stub.
 *
 * Option metadata (`v.metadata({...})`, see `OptionMetadata`) declares aliases of the flag, sweeps, and
 * ranges for tuning.
 * `v.description` is the help text and is required. A name ends with its unit: `timeoutS`, `rateRps`.
 */
import type * as v from "valibot";

/**
 * Version of this contract. It goes up when a plugin written for the version before may no longer
 * load or no longer do what it says. `define…` stamps it.
 *
 * 2: what engines, reporters and trace workloads import moved from `dynbench` to `dynbench/engine`,
 * `dynbench/report` and `dynbench/trace`.
 */
export const API_VERSION = 2;

/**
 * The oldest version that is still accepted: a plugin of version 1 that loads does what it did, and
 * one that imports a name which has moved is refused by that name.
 */
export const OLDEST_API_VERSION = 1;

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
  /**
   * Names a file. One that a workload reads has its digest in the plan, and `-` is standard input. One
   * that a reporter writes may leave the run folder only where it was typed; so may any named `path`.
   */
  file?: boolean;
  /** A number that a tuner may vary, and how far. */
  tune?: TuneRange;
}

/** Both ends are valid values. On a log scale equal ratios are equal steps, so `from` is above 0. */
export interface TuneRange {
  readonly from: number;
  readonly to: number;
  readonly scale: "linear" | "log";
}

export interface PluginBase<Schema extends OptionsSchema> {
  /**
   * Version of the contract that it was written for; `define…` sets the current one. A dynbench
   * without that version refuses the plugin.
   */
  readonly apiVersion?: number;
  /** Kebab-case, unique within its kind. */
  readonly name: string;
  /** Other names the user may type. */
  readonly aliases?: readonly string[];
  /** One line for lists and `--help`. */
  readonly summary: string;
  readonly options: Schema;
}
