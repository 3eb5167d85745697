/**
 * How long a run will still take. What a cell takes is at first what the finished ones took, and more
 * and more what its own pace says, so that nothing jumps when one begins. Pure: times are handed in.
 */

export interface CellPace {
  /** Since the cell began, and since its load did; undefined before its load. */
  readonly cellS: number;
  readonly loadS: number | undefined;
  /** Requests of the cell; undefined where that is open. */
  readonly total: number | undefined;
  /** Requests that have ended, well or not, and those under way. */
  readonly ended: number;
  readonly inFlight: number;
}

/** Below this share of ended requests a first cell's pace says nothing yet. */
const PACE_KNOWN_SHARE = 0.05;

/**
 * `usualS`: what finished cells took in the mean, undefined before the first; `toCome`: cells after
 * this one. Undefined while nothing is known.
 */
export function timeLeftS(
  cell: CellPace,
  run: { readonly usualS: number | undefined; readonly toCome: number },
): number | undefined {
  const { usualS, toCome } = run;
  const own = ownPace(cell);
  if (usualS === undefined) {
    // Its engine came up in it; the cells to come will not pay for that.
    if (own === undefined || own.share < PACE_KNOWN_SHARE) return undefined;
    return Math.max(0, own.loadS - cell.loadS!) + toCome * own.loadS;
  }
  const { loadS, share } = own ?? { loadS: 0, share: 0 };
  const setupS = cell.cellS - (cell.loadS ?? 0);
  const wholeS = usualS * (1 - share) + (setupS + loadS) * share;
  return Math.max(0, wholeS - cell.cellS) + toCome * usualS;
}

/** How long this cell's load will have taken at its own pace, and the share of it that has ended. */
function ownPace(cell: CellPace): { loadS: number; share: number } | undefined {
  const { loadS, total, ended, inFlight } = cell;
  if (loadS === undefined || !total || ended === 0) return undefined;
  // What is under way is half done, on average.
  const part = Math.min(1, (ended + inFlight / 2) / total);
  return { loadS: loadS / part, share: Math.min(1, ended / total) };
}
