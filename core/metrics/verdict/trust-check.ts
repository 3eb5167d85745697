/** What a trust check looks at, and what it returns. */
import type { LoadShape } from "../../contract/plan.ts";
import type { CellSummary, Finding, RequestPoints } from "../../contract/result.ts";
import type { RouterTraits } from "../../contract/router.ts";
import type { CellTally } from "../tally/cell-tally.ts";

/** What the run saw beside the records. */
export interface Evidence {
  readonly traits: Pick<RouterTraits, "spreads" | "kvEvents"> &
    Partial<Pick<RouterTraits, "affinity" | "keyHeader">>;
  /** Requests for which the router says that it found a beginning cached, where it tells. */
  readonly prefixesFound?: number;
  /** What the run itself met: a process that died, a cache that could not be reset, … */
  readonly findings?: readonly Finding[];
  /** Busy part of all the machine's cores during the cell, 0 to 1. */
  readonly machineCpuShare?: number;
  /** Time that our gateway added to a request at idle, where it was measured. */
  readonly gatewayMs?: number;
}

/** What a check may look at. `summary.verdict` is not yet set. */
export interface CellUnderTrial {
  readonly summary: Omit<CellSummary, "verdict">;
  readonly tally: CellTally;
  readonly points: RequestPoints;
  readonly load: LoadShape;
  readonly evidence: Evidence;
}

export type TrustCheck = (cell: CellUnderTrial) => Finding | undefined;
