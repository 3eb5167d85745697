/** Deaths and returns of workers, as events of a simulation. */
import { DynbenchError } from "../base/errors.ts";
import type { WorkerDown } from "../contract/plan.ts";

/** A worker dies, or comes back with an empty cache. */
export interface Fault {
  readonly atNs: number;
  /** Index into the engine's workers. */
  readonly worker: number;
  readonly alive: boolean;
}

/** Times away that overlap or touch are one. Throws where a worker is named that the engine has not. */
export function faultsOf(downs: readonly WorkerDown[], workers: number): Fault[] {
  const unknown = downs.find(({ worker }) => worker >= workers);
  if (unknown !== undefined) {
    throw new DynbenchError(
      "plan",
      `Cannot take worker ${unknown.worker} away: there are ${workers}`,
      { hint: `--worker-down takes numbers from 0 to ${workers - 1}` },
    );
  }
  const byWorker = Map.groupBy(downs, ({ worker }) => worker);
  return [...byWorker.values()].flatMap(joined).flatMap(({ worker, fromS, toS }): Fault[] => {
    const down = { atNs: Math.round(fromS * 1e9), worker, alive: false };
    if (toS === undefined) return [down];
    return [down, { atNs: Math.round(toS * 1e9), worker, alive: true }];
  });
}

function joined(downs: readonly WorkerDown[]): WorkerDown[] {
  const sorted = downs.toSorted((a, b) => a.fromS - b.fromS);
  return sorted.reduce<WorkerDown[]>((known, next) => {
    const last = known.at(-1);
    const lastS = last?.toS ?? Infinity;
    if (last === undefined || next.fromS > lastS) return [...known, next];
    const toS = Math.max(lastS, next.toS ?? Infinity);
    const { toS: _, ...away } = last;
    return [...known.slice(0, -1), toS === Infinity ? away : { ...away, toS }];
  }, []);
}
