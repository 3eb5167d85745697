/**
 * The options of a run that belong to no plugin. Their names are the run's own: an option of a plugin
 * that has such a name is typed behind the plugin's kind, `--router.warmup`.
 */
import { scopeOf, type Scope } from "./assign.ts";
import { isNamed, optionSpecs } from "./option-spec.ts";
import { PlaneOptions } from "./plane-options.ts";
import { LoadOptions, RunOptions } from "./run-options.ts";
import { SimOptions } from "./sim-options.ts";
import type { AnyPlugin } from "../contract/plugins.ts";

export const RUN = scopeOf("run", RunOptions);
export const LOAD = scopeOf("load", LoadOptions);
export const SIM = scopeOf("sim", SimOptions);
export const PLANE = scopeOf("plane", PlaneOptions);
export const RUN_SCOPES: readonly Scope[] = [RUN, LOAD, SIM, PLANE];

/** Names of a plugin's options that are the run's; none of a reporter, whose options are always qualified. */
export function clashingNames({ kind, options }: Pick<AnyPlugin, "kind" | "options">): string[] {
  if (kind === "reporter") return [];
  return optionSpecs(options)
    .flatMap(({ flag, aliases }) => [flag, ...aliases])
    .filter(isRunName);
}

export function isRunName(name: string): boolean {
  return RUN_SCOPES.some(({ specs }) => specs.some((spec) => isNamed(spec, name)));
}
