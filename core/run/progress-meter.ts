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
  #tick: LoadTick = { sent: 0, inFlight: 0, done: 0, failed: 0 };
  #ttftSumNs = 0;
  #ttftCount = 0;
  #outputTokens = 0;
  #finishedCells = 0;
  #finishedNs = 0;

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
    this.#finishedCells += 1;
    this.#finishedNs += monotonicNs() - this.#cellStartNs;
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
      etaS: this.#etaS(cell, { total, cellS }),
      ttftMsMean: this.#ttftCount === 0 ? undefined : this.#ttftSumNs / this.#ttftCount / 1e6,
      outputTps: loadS > 0 && this.#outputTokens > 0 ? this.#outputTokens / loadS : undefined,
    });
  }

  /** The rest of this cell at its own pace, and the cells to come at the mean of those finished. */
  #etaS(
    cell: PlannedCell,
    { total, cellS }: { total: number | undefined; cellS: number },
  ): number | undefined {
    const { done } = this.#tick;
    const restOfCellS = total && done > 0 ? (cellS * (total - done)) / done : undefined;
    const perCellS =
      this.#finishedCells > 0
        ? this.#finishedNs / this.#finishedCells / 1e9
        : restOfCellS === undefined
          ? undefined
          : cellS + restOfCellS;
    if (perCellS === undefined) return undefined;
    const toCome = this.#plan.cells.length - this.#plan.cells.indexOf(cell) - 1;
    return (restOfCellS ?? Math.max(0, perCellS - cellS)) + toCome * perCellS;
  }
}
