/** Turns what happens in a run into the `Progress` that reporters hear, at most four times a second. */
import type { LoadTick } from "./cell.ts";
import { timeLeftS } from "./time-left.ts";
import { monotonicNs } from "../system/clock.ts";
import type { Progress } from "../contract/result.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { RequestRecord } from "../contract/record.ts";

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
    const loadS = this.#tick.elapsedS ?? (nowNs - this.#loadStartNs) / 1e9;
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
      etaS: this.#etaS(cell, total, nowNs),
      ttftMsMean: this.#ttftCount === 0 ? undefined : this.#ttftSumNs / this.#ttftCount / 1e6,
      outputTps: loadS > 0 && this.#outputTokens > 0 ? this.#outputTokens / loadS : undefined,
    });
  }

  #etaS(cell: PlannedCell, total: number | undefined, nowNs: number): number | undefined {
    const { done, failed, inFlight } = this.#tick;
    const finished = this.#finishedCells;
    const loadS = isLoad(this.#phase) ? (nowNs - this.#loadStartNs) / 1e9 : undefined;
    return timeLeftS(
      { cellS: (nowNs - this.#cellStartNs) / 1e9, loadS, total, ended: done + failed, inFlight },
      {
        usualS: finished === 0 ? undefined : this.#finishedNs / finished / 1e9,
        toCome: this.#plan.cells.length - this.#plan.cells.indexOf(cell) - 1,
      },
    );
  }
}

function isLoad(phase: Progress["phase"]): boolean {
  return phase === "load" || phase === "simulate";
}
