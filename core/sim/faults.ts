/** Deaths and returns of workers, as events of a simulation. */
import { DynbenchError } from "../errors.ts";
import type { WorkerDown } from "../plan/plan.ts";

/** A worker dies, or comes back with an empty cache. */
export interface Fault {
  readonly atNs: number;
  /** Index into the engine's workers. */
  readonly worker: number;
  readonly alive: boolean;
}

/** Throws where a worker is named that the engine has not. */
export function faultsOf(downs: readonly WorkerDown[], workers: number): Fault[] {
  return downs.flatMap(({ worker, fromS, toS }): Fault[] => {
    if (worker >= workers) {
      throw new DynbenchError("plan", `Cannot take worker ${worker} away: there are ${workers}`, {
        hint: `--worker-down takes numbers from 0 to ${workers - 1}`,
      });
    }
    const down = { atNs: Math.round(fromS * 1e9), worker, alive: false };
    if (toS === undefined) return [down];
    return [down, { atNs: Math.round(toS * 1e9), worker, alive: true }];
  });
}
