/** All checks of `dynbench doctor`. They look and try; nothing is changed. */
import type { Check } from "./check.ts";
import { findLeftovers, leftoversCheck } from "./leftovers.ts";
import { machineChecks } from "./machine-checks.ts";
import { placeChecks } from "./place-checks.ts";
import { programChecks } from "./program-checks.ts";
import type { AnyPlugin } from "../contract/plugins.ts";

export interface Examined {
  readonly plugins: readonly AnyPlugin[];
  readonly python: string;
  /** The user asked for it. */
  readonly isPythonNamed: boolean;
  /** Where runs will go. */
  readonly runs: string;
}

export async function examine({
  plugins,
  python,
  isPythonNamed,
  runs,
}: Examined): Promise<readonly Check[]> {
  const groups = await Promise.all([
    machineChecks(),
    placeChecks(runs),
    programChecks(plugins, { python, isNamed: isPythonNamed }),
  ]);
  return [...groups.flat(), leftoversCheck(findLeftovers(runs))];
}
