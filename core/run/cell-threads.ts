/** Threads that simulate cells beside the main one. None is started before it has a cell. */
import { Worker } from "node:worker_threads";
import { errorOf, type CellTask, type ThreadAnswer, type ThreadOrder } from "./cell-thread.ts";
import type { Hand } from "./in-order.ts";
import type { SimulatedCell } from "./simulated-cell.ts";
import { CELL_THREAD } from "../process/child-argument.ts";
import { IS_COMPILED } from "../process/compiled.ts";

export class CellThreads implements AsyncDisposable {
  readonly #threads: Worker[] = [];

  /** One more thread. It takes one cell at a time. */
  hand(): Hand<CellTask, SimulatedCell> {
    let thread: Worker | undefined;
    let known: CellTask["plan"] | undefined;
    let answered = Promise.withResolvers<SimulatedCell>();
    const start = (): Worker => {
      const started = this.#start();
      started.on("error", (error) => answered.reject(error));
      started.on("message", (answer: ThreadAnswer) => {
        if (answer.type === "failed") answered.reject(errorOf(answer.fault));
        else if (answer.fault === undefined) answered.resolve(answer.done);
        else answered.resolve({ ...answer.done, fault: errorOf(answer.fault) });
      });
      return started;
    };
    return ({ plan, ...cell }) => {
      thread ??= start();
      answered = Promise.withResolvers();
      // A plan of thousands of cells is sent once.
      if (plan !== known) order(thread, { type: "plan", plan });
      known = plan;
      order(thread, { type: "cell", ...cell });
      return answered.promise;
    };
  }

  /** Cells under way end as aborted. */
  stop(): void {
    for (const thread of this.#threads) order(thread, { type: "stop" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #start(): Worker {
    // The binary's thread enters through core/main.ts, as everything in the binary does.
    const entry = IS_COMPILED ? Bun.main : new URL("../main.ts", import.meta.url);
    const thread = new Worker(entry, { argv: [CELL_THREAD] });
    thread.unref();
    this.#threads.push(thread);
    return thread;
  }
}

function order(thread: Worker, message: ThreadOrder): void {
  thread.postMessage(message);
}
