/** The input and the result of a trust check. */
import type { LoadShape } from "../../contract/plan.ts";
import type { CellSummary, Finding, RequestPoints } from "../../contract/result.ts";
import type { RouterTraits } from "../../contract/router.ts";
import type { CellTally } from "../tally/cell-tally.ts";

/** What the run observed beside the records. */
export interface Evidence {
  readonly traits: Pick<RouterTraits, "spreads" | "kvEvents"> &
    Partial<Pick<RouterTraits, "affinity" | "keyHeader">>;
  /** Requests for which the router reports that it found a cached prefix; undefined where it reports none. */
  readonly prefixesFound?: number;
  /** Capacity of the smallest of the workers' caches, where all report it. */
  readonly smallestCacheTokens?: number;
  /** Times at which a process of the run, not the load's, did nothing, as it noticed itself. */
  readonly pauses?: readonly { readonly name: string; readonly ms: number }[];
  /** Requests that the workers ended during the cell, by their own counters. */
  readonly servedByWorkers?: number;
  /** Findings of the run itself: a process that died, a cache that could not be reset, … */
  readonly findings?: readonly Finding[];
  /** Busy share of all cores of the machine during the cell, 0 to 1. */
  readonly machineCpuShare?: number;
  /** Cores that programs outside the run kept busy meanwhile, where all of the run was started by it. */
  readonly otherCores?: number;
  /** Time that dynbench's gateway adds to a request when idle, where it was measured. */
  readonly gatewayMs?: number;
}

/** The input of a check. `summary.verdict` is not yet set. */
export interface CellUnderTrial {
  readonly summary: Omit<CellSummary, "verdict">;
  readonly tally: CellTally;
  readonly points: RequestPoints;
  readonly load: LoadShape;
  readonly evidence: Evidence;
}

export type TrustCheck = (cell: CellUnderTrial) => Finding | undefined;
