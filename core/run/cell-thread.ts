/**
 * The other end of `cell-threads.ts`: a thread that simulates one cell of a plan after another.
 */
import { parentPort } from "node:worker_threads";
import { CellPart } from "./folder/cell-part.ts";
import { breather, simulateCell, type SimulatedCell } from "./simulated-cell.ts";
import { DynbenchError, messageOf, type ErrorCode } from "../base/errors.ts";
import { given } from "../base/given.ts";
import { DrawnRequests } from "../workload/drawn.ts";
import type { Plan } from "../contract/plan.ts";
import type { Plugins } from "../contract/plugins.ts";

/** A cell to simulate. */
export interface CellTask {
  readonly plan: Plan;
  /** Of the cell in the plan. */
  readonly index: number;
  /** The folder in which lines of records are kept; left out where the result alone is wanted. */
  readonly runDir?: string;
}

/** Messages to the thread: a plan, then its cells, one at a time; at any time the end of everything. */
export type ThreadOrder =
  | { readonly type: "plan"; readonly plan: Plan }
  | ({ readonly type: "cell" } & Omit<CellTask, "plan">)
  | { readonly type: "stop" };

/** One for each cell. */
export type ThreadAnswer =
  | {
      readonly type: "done";
      readonly done: Omit<SimulatedCell, "fault">;
      readonly fault?: ThreadFault;
    }
  | { readonly type: "failed"; readonly fault: ThreadFault };

/** An error as it passes between threads: they keep no classes. */
export interface ThreadFault {
  /** Left out where it is none of ours. */
  readonly code?: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly stack?: string;
}

export function serveCells(plugins: Plugins): void {
  const stop = new AbortController();
  const breathe = breather();
  const drawn = new DrawnRequests();
  let plan: Plan;
  const simulate = async ({ index, runDir }: Omit<CellTask, "plan">): Promise<ThreadAnswer> => {
    const lines = runDir === undefined ? undefined : new CellPart(runDir, index);
    const deps = { plugins, signal: stop.signal, breathe, drawn, ...given({ lines }) };
    const { fault, ...done } = await simulateCell(plan, plan.cells[index]!, deps);
    return { type: "done", done, ...(fault === undefined ? {} : { fault: faultOf(fault) }) };
  };
  parentPort!.on("message", async (order: ThreadOrder) => {
    if (order.type === "stop") stop.abort();
    else if (order.type === "plan") ({ plan } = order);
    else {
      const answer = await simulate(order).catch((error): ThreadAnswer => ({
        type: "failed",
        fault: faultOf(error),
      }));
      parentPort!.postMessage(answer);
    }
  });
}

function faultOf(error: unknown): ThreadFault {
  const isOurs = error instanceof DynbenchError;
  return {
    message: messageOf(error),
    ...given({
      code: isOurs ? error.code : undefined,
      hint: isOurs ? error.hint : undefined,
      stack: error instanceof Error ? error.stack : undefined,
    }),
  };
}

export function errorOf({ code, message, hint, stack }: ThreadFault): Error {
  if (code !== undefined) return new DynbenchError(code, message, given({ hint }));
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
