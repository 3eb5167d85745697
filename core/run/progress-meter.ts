/** Turns what happens in a run into the `Progress` that reporters show, at most four times a second. */
import { monotonicNs } from "../system/clock.ts";
import type { Progress } from "../contract/result.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { LoadProgress } from "../process/messages.ts";

const INTERVAL_NS = 250e6;

/** How far the load of a cell is. The wall clock is read where the seconds of the plan's clock are left out. */
export type LoadCounts = Omit<LoadProgress, "ttftMsMean" | "outputTokens" | "elapsedS"> &
  Partial<Pick<LoadProgress, "elapsedS">>;

export const NOTHING_SENT: LoadCounts = { sent: 0, inFlight: 0, done: 0, failed: 0 };

export class ProgressMeter {
  readonly #plan: Plan;
  readonly #places: ReadonlyMap<PlannedCell, number>;
  readonly #onProgress: (progress: Progress) => void;
  readonly #startNs = monotonicNs();
  #lastReportNs = 0;
  #cell: PlannedCell | undefined;
  #phase: Progress["phase"] = "engine";
  #cellStartNs = 0;
  /** When its load began; before it the engine or router came up. */
  #loadStartNs = 0;
  #counts = NOTHING_SENT;
  #ttftSumNs = 0;
  #ttftCount = 0;
  #outputTokens = 0;
  #finishedCells = 0;
  #lastFinishedNs = this.#startNs;
  #finishedNs = 0;
  /** Of the first cell: its engine comes up in it, and later cells do not pay for that. */
  #firstSetupNs = 0;

  constructor(plan: Plan, onProgress: (progress: Progress) => void) {
    this.#plan = plan;
    this.#places = new Map(plan.cells.map((cell, i) => [cell, i]));
    this.#onProgress = onProgress;
  }

  phase(cell: PlannedCell, phase: Progress["phase"]): void {
    if (cell !== this.#cell) {
      this.#cell = cell;
      this.#cellStartNs = monotonicNs();
      this.#counts = NOTHING_SENT;
      this.#ttftSumNs = 0;
      this.#ttftCount = 0;
      this.#outputTokens = 0;
    }
    this.#phase = phase;
    if (isLoad(phase)) {
      this.#loadStartNs = monotonicNs();
      this.#firstSetupNs ||= this.#loadStartNs - this.#cellStartNs;
    }
    this.#report();
  }

  counts(counts: LoadCounts): void {
    this.#counts = counts;
    if (monotonicNs() - this.#lastReportNs >= INTERVAL_NS) this.#report();
  }

  record(record: RequestRecord): void {
    this.#outputTokens += record.osl;
    if (record.firstTokenNs === undefined) return;
    this.#ttftSumNs += record.firstTokenNs - record.intendedNs;
    this.#ttftCount += 1;
  }

  /** A cell is over; where several are simulated at once, each counts what passed since the one before. */
  finished(): void {
    const nowNs = monotonicNs();
    const tookNs = nowNs - this.#lastFinishedNs;
    this.#lastFinishedNs = nowNs;
    this.#finishedNs += this.#finishedCells === 0 ? tookNs - this.#firstSetupNs : tookNs;
    this.#finishedCells += 1;
  }

  #report(): void {
    const cell = this.#cell!;
    const nowNs = monotonicNs();
    this.#lastReportNs = nowNs;
    const { requests, warmup } = cell.load;
    const total = requests === undefined ? undefined : requests + warmup;
    const loadS = this.#counts.elapsedS ?? (nowNs - this.#loadStartNs) / 1e9;
    this.#onProgress({
      cell,
      arm: this.#plan.arms[cell.arm]!.label,
      cellIndex: this.#placeOf(cell),
      cellCount: this.#plan.cells.length,
      phase: this.#phase,
      done: this.#counts.done,
      failed: this.#counts.failed,
      inFlight: this.#counts.inFlight,
      total,
      elapsedS: (nowNs - this.#startNs) / 1e9,
      etaS: this.#etaS(cell, total, nowNs),
      ttftMsMean: this.#ttftCount === 0 ? undefined : this.#ttftSumNs / this.#ttftCount / 1e6,
      outputTps: loadS > 0 && this.#outputTokens > 0 ? this.#outputTokens / loadS : undefined,
    });
  }

  #placeOf(cell: PlannedCell): number {
    return this.#places.get(cell) ?? -1;
  }

  #etaS(cell: PlannedCell, total: number | undefined, nowNs: number): number | undefined {
    const { done, failed, inFlight } = this.#counts;
    const finished = this.#finishedCells;
    const loadS = isLoad(this.#phase) ? (nowNs - this.#loadStartNs) / 1e9 : undefined;
    return timeLeftS(
      { cellS: (nowNs - this.#cellStartNs) / 1e9, loadS, total, ended: done + failed, inFlight },
      {
        usualS: finished === 0 ? undefined : this.#finishedNs / finished / 1e9,
        toCome: this.#plan.cells.length - this.#placeOf(cell) - 1,
      },
    );
  }
}

function isLoad(phase: Progress["phase"]): boolean {
  return phase === "load" || phase === "simulate";
}

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

/** Below this share of ended requests a first cell's pace is not known yet. */
const PACE_KNOWN_SHARE = 0.05;

/**
 * Seconds that a run will still take; undefined while nothing is known. A cell takes at first what the
 * finished ones took, and more and more what its own pace shows, so that nothing jumps when one begins.
 * `usualS`: the mean of the finished cells, undefined before the first; `toCome`: cells after this one.
 * Pure.
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
