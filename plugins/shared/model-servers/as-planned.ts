/** Compares the sizes that workers report with those of the plan: a flag that the engine changed makes another run. Pure. */
import { DynbenchError } from "dynbench";
import type { Worker } from "dynbench/engine";
import { flagNames } from "./flags.ts";
import type { ServerKind } from "./server-kind.ts";
import type { ServerOptions } from "./server-options.ts";

/** Throws for the first difference, except for flags that the user gave after `--`. */
export function mustBeAsPlanned(
  { title, sizeFlags }: Pick<ServerKind, "title" | "sizeFlags">,
  options: ServerOptions,
  workers: readonly Worker[],
  engineArgs: readonly string[],
): void {
  const given = flagNames(engineArgs);
  for (const key of ["blockSize", "kvBlocks", "maxModelLen"] as const) {
    const flag = sizeFlags[key];
    const wanted = options[key];
    if (wanted === undefined || given.has(flag.replaceAll("_", "-"))) continue;
    for (const worker of workers) {
      const is = worker[key];
      if (is === undefined || is === wanted) continue;
      throw new DynbenchError(
        "start",
        `${worker.id} runs with ${key} ${is}, and the plan has ${wanted}`,
        {
          hint: `Plan with ${is}, which this ${title} made of it, or pass the flag as it is: -- ${flag} ${wanted}`,
        },
      );
    }
  }
}
