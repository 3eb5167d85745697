/**
 * A plan on the virtual clock: its cells are simulated by this thread, and by more where there are
 * cores for them. The results, the files and their order do not depend on how many.
 */
import type { CellTask } from "./cell-thread.ts";
import { CellThreads } from "./cell-threads.ts";
import { CellPart, dropParts, takePart } from "./folder/cell-part.ts";
import { inOrder, type Hand } from "./in-order.ts";
import { interrupted, type RunBook, type RunDeps } from "./run-book.ts";
import { breather, simulateCell, type SimulatedCell } from "./simulated-cell.ts";
import { DrawnRequests } from "../workload/drawn.ts";
import type { Plan } from "../contract/plan.ts";

/** A thread takes a tenth of a second to start: so long has a run to take before there is another. */
const WORTH_A_THREAD_MS = 300;

/** Simulates every open cell. Returns what ended it early, if anything did. */
export async function simulatePlan(plan: Plan, deps: RunDeps, book: RunBook): Promise<unknown> {
  const { folder, signal } = deps;
  const runDir = folder.path;
  dropParts(runDir); // of a run that was killed
  try {
    await using threads = new CellThreads();
    signal.addEventListener("abort", () => threads.stop(), { once: true });
    const open = await book.begin();
    const jobs = Math.min(deps.jobs, open.length);
    const others = Array.from({ length: jobs - 1 }, () => later(() => threads.hand()));
    const isAlone = others.length === 0;
    const places = new Map(plan.cells.map((cell, i) => [cell, i]));
    const tasks = open.map((cell) => ({ plan, index: places.get(cell)!, runDir }));
    const ended = inOrder(tasks, [handOfThisThread({ ...deps, book, isAlone }), ...others]);
    for (const { index } of tasks) {
      if (book.isEnough(plan.cells[index]!)) break;
      const { outcome, result, fault } = (await ended.next()).value as SimulatedCell;
      if (!isAlone) takePart(folder, index);
      await book.take(result);
      folder.appendOutcome(outcome);
      if (fault !== undefined) throw fault;
      signal.throwIfAborted();
    }
    await ended.return();
    return undefined;
  } catch (error) {
    return signal.aborted ? interrupted() : error;
  } finally {
    dropParts(runDir); // of cells that nobody waits for
  }
}

/** Once it is worth a thread. */
async function later<T>(make: () => T): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, WORTH_A_THREAD_MS).unref());
  return make();
}

function handOfThisThread(
  deps: RunDeps & { readonly book: RunBook; readonly isAlone: boolean },
): Hand<CellTask, SimulatedCell> {
  const { plugins, folder, signal, book, isAlone } = deps;
  const breathe = breather();
  const drawn = new DrawnRequests();
  return async ({ plan, index }) => {
    const cell = plan.cells[index]!;
    await breathe();
    signal.throwIfAborted();
    book.meter.phase(cell, "simulate");
    return simulateCell(plan, cell, {
      plugins,
      signal,
      breathe,
      drawn,
      lines: isAlone ? folder : new CellPart(folder.path, index),
      meter: {
        record: (record) => book.meter.record(record),
        counts: ({ sent, inFlight, done, failed }, nowNs) =>
          book.meter.counts({ sent, inFlight, done, failed, elapsedS: nowNs / 1e9 }),
      },
    });
  };
}
