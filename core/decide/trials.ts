/** Simulates cells of any arms, several at once, for their results alone. */
import type { CellTask } from "../run/cell-thread.ts";
import { CellThreads } from "../run/cell-threads.ts";
import { inOrder, type Hand } from "../run/in-order.ts";
import { breather, simulateCell, type SimulatedCell } from "../run/simulated-cell.ts";
import { DrawnRequests } from "../workload/drawn.ts";
import type { Plan, PlannedArm, PlannedCell } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";
import type { CellResult } from "../contract/result.ts";

export interface TrialCell {
  readonly arm: PlannedArm;
  readonly cell: PlannedCell;
  /** Instead of those of the plan. */
  readonly sim?: Plan["sim"];
}

export class TrialRunner implements AsyncDisposable {
  readonly #plan: Plan;
  readonly #signal: AbortSignal;
  readonly #threads = new CellThreads();
  readonly #hands: Hand<CellTask, SimulatedCell>[];
  #done = 0;

  /** `plan`: what all cells have in common. */
  constructor(plan: Plan, deps: { plugins: Plugins; jobs: number; signal: AbortSignal }) {
    const { plugins, jobs, signal } = deps;
    const breathe = breather();
    const drawn = new DrawnRequests();
    this.#plan = plan;
    this.#signal = signal;
    this.#hands = [
      async ({ plan: of, index }) => {
        await breathe();
        return simulateCell(of, of.cells[index]!, { plugins, signal, breathe, drawn });
      },
      ...Array.from({ length: jobs - 1 }, () => this.#threads.hand()),
    ];
    signal.addEventListener("abort", () => this.#threads.stop(), { once: true });
  }

  /** Cells simulated so far. */
  get done(): number {
    return this.#done;
  }

  /**
   * The results in the order of the cells; of those that were begun, once the signal has come. Throws
   * what breaks a cell.
   */
  async *run(trials: readonly TrialCell[]): AsyncGenerator<CellResult, void> {
    const tasks = trials.map(({ arm, cell, sim = this.#plan.sim }): CellTask => ({
      plan: { ...this.#plan, sim, arms: [arm], cells: [{ ...cell, arm: 0 }] } as Plan,
      index: 0,
    }));
    for await (const { result, fault } of inOrder(tasks, this.#hands)) {
      if (this.#signal.aborted) return;
      if (fault !== undefined) throw fault;
      this.#done += 1;
      yield result;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads[Symbol.asyncDispose]();
  }
}
