/** Turns what happens in a run into the `Progress` that reporters hear, at most four times a second. */
import type { LoadTick } from "./cell.ts";
import { monotonicNs } from "../clock.ts";
import type { Progress } from "../metrics/result.ts";
import type { Plan, PlannedCell } from "../plan/plan.ts";
import type { RequestRecord } from "../record.ts";

const INTERVAL_NS = 250e6;

export class ProgressMeter {
  readonly #plan: Plan;
  readonly #tell: (progress: Progress) => void;
  readonly #startNs = monotonicNs();
  #lastTellNs = 0;
  #cell: PlannedCell | undefined;
  #phase: Progress["phase"] = "engine";
  #cellStartNs = 0;
  /** When its load began; before it the engine or router came up. */
  #loadStartNs = 0;
  #tick: LoadTick = { sent: 0, inFlight: 0, done: 0, failed: 0 };
  #ttftSumNs = 0;
  #ttftCount = 0;
  #outputTokens = 0;
  #finishedCells = 0;
  #finishedNs = 0;
  /** Of the first cell: its engine comes up in it, and later cells do not pay for that. */
  #firstSetupNs = 0;

  constructor(plan: Plan, tell: (progress: Progress) => void) {
    this.#plan = plan;
    this.#tell = tell;
  }

  phase(cell: PlannedCell, phase: Progress["phase"]): void {
    if (cell !== this.#cell) {
      this.#cell = cell;
      this.#cellStartNs = monotonicNs();
      this.#tick = { sent: 0, inFlight: 0, done: 0, failed: 0 };
      this.#ttftSumNs = 0;
      this.#ttftCount = 0;
      this.#outputTokens = 0;
    }
    this.#phase = phase;
    if (isLoad(phase)) {
      this.#loadStartNs = monotonicNs();
      this.#firstSetupNs ||= this.#loadStartNs - this.#cellStartNs;
    }
    this.#say();
  }

  tick(tick: LoadTick): void {
    this.#tick = tick;
    if (monotonicNs() - this.#lastTellNs >= INTERVAL_NS) this.#say();
  }

  record(record: RequestRecord): void {
    this.#outputTokens += record.osl;
    if (record.firstTokenNs === undefined) return;
    this.#ttftSumNs += record.firstTokenNs - record.intendedNs;
    this.#ttftCount += 1;
  }

  finished(cell: PlannedCell): void {
    if (cell !== this.#cell) return; // a cell of an earlier run took no time of this one
    const tookNs = monotonicNs() - this.#cellStartNs;
    this.#finishedNs += this.#finishedCells === 0 ? tookNs - this.#firstSetupNs : tookNs;
    this.#finishedCells += 1;
  }

  #say(): void {
    const cell = this.#cell!;
    const nowNs = monotonicNs();
    this.#lastTellNs = nowNs;
    const { requests, warmup } = cell.load;
    const total = requests === undefined ? undefined : requests + warmup;
    const cellS = (nowNs - this.#cellStartNs) / 1e9;
    const loadS = this.#tick.elapsedS ?? cellS;
    this.#tell({
      cell,
      arm: this.#plan.arms[cell.arm]!.label,
      cellIndex: this.#plan.cells.indexOf(cell),
      cellCount: this.#plan.cells.length,
      phase: this.#phase,
      done: this.#tick.done,
      failed: this.#tick.failed,
      inFlight: this.#tick.inFlight,
      total,
      elapsedS: (nowNs - this.#startNs) / 1e9,
      etaS: this.#etaS(cell, { total, nowNs }),
      ttftMsMean: this.#ttftCount === 0 ? undefined : this.#ttftSumNs / this.#ttftCount / 1e6,
      outputTps: loadS > 0 && this.#outputTokens > 0 ? this.#outputTokens / loadS : undefined,
    });
  }

  /**
   * The rest of this cell and the cells to come. What a cell takes is at first what the finished
   * ones took, and more and more what its own pace says, so that nothing jumps when one begins.
   */
  #etaS(cell: PlannedCell, at: { total: number | undefined; nowNs: number }): number | undefined {
    const usualNs = this.#finishedCells > 0 ? this.#finishedNs / this.#finishedCells : undefined;
    const own = this.#ownPace(at);
    if (usualNs === undefined && (own?.share ?? 0) < PACE_KNOWN_SHARE) return undefined;
    const { loadNs, share } = own ?? { loadNs: 0, share: 0 };
    const setupNs = this.#finishedCells === 0 ? 0 : this.#loadStartNs - this.#cellStartNs;
    const wholeNs = (usualNs ?? loadNs) * (1 - share) + (setupNs + loadNs) * share;
    const spentNs = at.nowNs - (this.#finishedCells === 0 ? this.#loadStartNs : this.#cellStartNs);
    const toCome = this.#plan.cells.length - this.#plan.cells.indexOf(cell) - 1;
    return (Math.max(0, wholeNs - spentNs) + toCome * (usualNs ?? wholeNs)) / 1e9;
  }

  /** How long this cell's load will have taken at its own pace, and the share of it that has ended. */
  #ownPace(at: {
    total: number | undefined;
    nowNs: number;
  }): { loadNs: number; share: number } | undefined {
    const { done, failed, inFlight } = this.#tick;
    if (!at.total || !isLoad(this.#phase) || done + failed === 0) return undefined;
    // What is in flight is half done, on average.
    const part = Math.min(1, (done + failed + inFlight / 2) / at.total);
    return {
      loadNs: (at.nowNs - this.#loadStartNs) / part,
      share: Math.min(1, (done + failed) / at.total),
    };
  }
}

/** Below this share of ended requests a cell's pace says nothing yet. */
const PACE_KNOWN_SHARE = 0.05;

function isLoad(phase: Progress["phase"]): boolean {
  return phase === "load" || phase === "simulate";
}
