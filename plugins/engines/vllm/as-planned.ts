/** The workers' own figures against the plan's: a flag that vLLM took otherwise makes another run. Pure. */
import { DynbenchError, type Worker } from "dynbench";
import { flagNames } from "./flags.ts";
import type { VllmOptions } from "./vllm-options.ts";

/** Throws for the first difference that was not asked for after `--`. */
export function mustBeAsPlanned(
  options: VllmOptions,
  workers: readonly Worker[],
  engineArgs: readonly string[],
): void {
  const given = flagNames(engineArgs);
  const checks = [
    { flag: "--block-size", wanted: options.blockSize, key: "blockSize" },
    { flag: "--num-gpu-blocks-override", wanted: options.kvBlocks, key: "kvBlocks" },
    { flag: "--max-model-len", wanted: options.maxModelLen, key: "maxModelLen" },
  ] as const;
  for (const { flag, wanted, key } of checks) {
    if (wanted === undefined || given.has(flag)) continue;
    for (const worker of workers) {
      const is = worker[key];
      if (is === undefined || is === wanted) continue;
      throw new DynbenchError(
        "start",
        `${worker.id} runs with ${key} ${is}, and the plan says ${wanted}`,
        { hint: `Plan with what this vLLM makes of it, or give it verbatim: -- ${flag} ${wanted}` },
      );
    }
  }
}
