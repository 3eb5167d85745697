/**
 * Workers of an engine that can split them into prefill and decode: their names and roles, and the
 * faults of options that start them. Pure.
 */
import type { WorkerRole } from "dynbench/engine";

export interface OptionFault {
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

export interface RoleCounts {
  readonly workers?: number | undefined;
  readonly prefillWorkers?: number | undefined;
  readonly decodeWorkers?: number | undefined;
}

/** Id and role of each worker; `count` of them where they are not split. */
export function rosterOf(
  { prefillWorkers, decodeWorkers }: RoleCounts,
  count: number,
): { readonly id: string; readonly role: WorkerRole }[] {
  const named = (size: number, name: string, role: WorkerRole) =>
    Array.from({ length: size }, (_, i) => ({ id: `${name}-${i}`, role }));
  if (prefillWorkers === undefined || decodeWorkers === undefined) {
    return named(count, "worker", "aggregated");
  }
  return [
    ...named(prefillWorkers, "prefill", "prefill"),
    ...named(decodeWorkers, "decode", "decode"),
  ];
}

export function roleFaults({ workers, prefillWorkers, decodeWorkers }: RoleCounts): OptionFault[] {
  if (prefillWorkers === undefined && decodeWorkers === undefined) return [];
  if (prefillWorkers === undefined || decodeWorkers === undefined) {
    const [given, missing] =
      prefillWorkers === undefined ? ["decode", "prefill"] : ["prefill", "decode"];
    const hint = `Add --${missing}-workers 1`;
    return [{ path: `${given}Workers`, message: `${given} workers alone answer no request`, hint }];
  }
  if (workers === undefined) return [];
  const message = "workers are either split into prefill and decode, or do both";
  const hint = "Leave out --workers, or --prefill-workers and --decode-workers";
  return [{ path: "workers", message, hint }];
}

/** vLLM refuses to start when one request of the longest kind would not fit the cache. */
export function fitFaults(limits: {
  readonly kvBlocks: number;
  readonly blockSize: number;
  readonly maxModelLen: number;
}): OptionFault[] {
  const { kvBlocks, blockSize, maxModelLen } = limits;
  const capacity = kvBlocks * blockSize;
  if (maxModelLen <= capacity) return [];
  return [
    {
      path: "maxModelLen",
      message: `A request of ${maxModelLen} tokens does not fit a KV cache of ${capacity}`,
      hint: `Use --max-model-len ${capacity}, or at least --kv-blocks ${Math.ceil(maxModelLen / blockSize)}`,
    },
  ];
}
