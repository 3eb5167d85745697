/** Threads that simulate cells of a plan beside the main one. None is started before it has a cell. */
import { Worker } from "node:worker_threads";
import { errorOf, type ThreadAnswer, type ThreadOrder } from "./cell-thread.ts";
import { dropParts } from "./folder/cell-part.ts";
import type { Hand } from "./in-order.ts";
import type { SimulatedCell } from "./simulated-cell.ts";
import type { Plan } from "../contract/plan.ts";
import { CELL_THREAD } from "../process/child-argument.ts";
import { IS_COMPILED } from "../process/compiled.ts";

export class CellThreads implements AsyncDisposable {
  readonly #plan: Plan;
  readonly #runDir: string;
  readonly #threads: Worker[] = [];

  /** `runDir`: where lines of records go. */
  constructor(plan: Plan, runDir: string) {
    this.#plan = plan;
    this.#runDir = runDir;
  }

  /** One more thread. It takes one cell at a time, by its index in the plan. */
  hand(): Hand<number, SimulatedCell> {
    let thread: Worker | undefined;
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
    return (index) => {
      thread ??= start();
      answered = Promise.withResolvers();
      order(thread, { type: "cell", index });
      return answered.promise;
    };
  }

  /** Cells under way end as aborted. */
  stop(): void {
    for (const thread of this.#threads) order(thread, { type: "stop" });
  }

  /** What cells that nobody waits for have written is removed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
    dropParts(this.#runDir);
  }

  #start(): Worker {
    // The binary's thread enters through core/main.ts, as everything in the binary does.
    const entry = IS_COMPILED ? Bun.main : new URL("../main.ts", import.meta.url);
    const thread = new Worker(entry, { argv: [CELL_THREAD] });
    thread.unref();
    this.#threads.push(thread);
    order(thread, { type: "plan", plan: this.#plan, runDir: this.#runDir });
    return thread;
  }
}

function order(thread: Worker, message: ThreadOrder): void {
  thread.postMessage(message);
}
