/** One cell on the wall clock: a load child in front of a router, its records as they come. */
import { given } from "../base/given.ts";
import type { RunFolder } from "./folder/run-folder.ts";
import type { LoadTask } from "../process/messages.ts";
import type { ClientHealth } from "../contract/result.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import { type Supervisor } from "../process/supervisor.ts";
import { lastWords } from "../process/death.ts";
import type { EngineHandle } from "../contract/engine.ts";
import type { RouterTraits } from "../contract/router.ts";
import type { RequestRecord } from "../contract/record.ts";
import type { Worker } from "../contract/request.ts";
import type { RunningRouter } from "./setup/router-up.ts";
import { DynbenchError } from "../base/errors.ts";

/** What the load says of itself while it runs. */
export interface LoadTick {
  readonly sent: number;
  readonly inFlight: number;
  readonly done: number;
  readonly failed: number;
  /** Virtual clock: simulated seconds since the start of the load. */
  readonly elapsedS?: number;
}

export interface CellLoad extends Omit<LoadTask, "wire" | "tokenSeed"> {
  /** Seed of the prompts' tokens: the cell's, unless caches could not be emptied between arms. */
  readonly tokenSeed: number;
}

export interface LoadEnd {
  readonly state: "completed" | "aborted";
  readonly health: ClientHealth | undefined;
}

interface LoadDeps {
  readonly plan: Plan;
  readonly folder: RunFolder;
  readonly supervisor: Supervisor;
  /** Stops the load; what was measured until then is kept. */
  readonly signal: AbortSignal;
  readonly onTick: (tick: LoadTick) => void;
  readonly onRecord: (record: RequestRecord) => void;
}

/** The line that a load child writes for a record starts so; others are messages. */
const RECORD_START = '{"cell":';

/** Drives the cell's load to its end. Rejects when the load child itself breaks. */
export async function loadCell(load: CellLoad, deps: LoadDeps): Promise<LoadEnd> {
  const { cell } = load;
  const task: LoadTask = {
    ...load,
    wire: deps.plan.wire,
  };
  const child = deps.supervisor.startLines({
    role: "load",
    name: "load",
    host: deps.plan.host,
    seed: cell.seed,
    use: cell.workload,
    task,
  });
  // Closing the child's stdin is the order to stop: it records what is in flight and ends by itself.
  const stop = (): void => void child[Symbol.asyncDispose]();
  deps.signal.addEventListener("abort", stop, { once: true });
  if (deps.signal.aborted) stop();
  try {
    let health: ClientHealth | undefined;
    for await (const line of child.lines) {
      if (line.startsWith(RECORD_START)) {
        deps.folder.appendRecords(`${line}\n`);
        deps.onRecord(JSON.parse(line) as RequestRecord);
        continue;
      }
      const message = JSON.parse(line) as LoadMessage;
      if (message.type === "tick") deps.onTick(message);
      else if (message.type === "done") health = message.health;
      else if (message.type === "failed") {
        throw new DynbenchError(message.code === "plan" ? "plan" : "load", message.message, {
          hint: message.hint,
        });
      }
    }
    const { code, signal } = await child.exited;
    if (!deps.signal.aborted && (code !== 0 || health === undefined)) {
      throw new DynbenchError(
        "load",
        `The load generator ended early (${signal === null ? `exit code ${code}` : signal})`,
        { hint: lastWords(child.lastLines(10), deps.folder.file("logs/load.log")) },
      );
    }
    return { state: deps.signal.aborted ? "aborted" : "completed", health };
  } finally {
    deps.signal.removeEventListener("abort", stop);
    await child[Symbol.asyncDispose]();
  }
}

type LoadMessage =
  | { type: "started" }
  | ({ type: "tick" } & LoadTick)
  | { type: "done"; health: ClientHealth }
  | { type: "failed"; code: string; message: string; hint?: string };

/** What the load child is told of a cell. */
export function cellLoad(of: {
  readonly cell: PlannedCell;
  readonly tokenSeed: number;
  readonly router: RunningRouter;
  readonly engine: EngineHandle;
  readonly traits: RouterTraits;
}): CellLoad {
  const { cell, tokenSeed, router, engine, traits } = of;
  const { keyHeader, requestFields } = traits;
  const { tokenizer, bareText } = engine;
  return {
    cell,
    tokenSeed,
    targets: router.urls,
    model: router.servedModelName ?? engine.servedModelName,
    workerNames: workerNames(engine.workers),
    targetWorkers: router.urls.map(
      (url) => engine.workers.find((worker) => worker.url === url)?.id ?? null,
    ),
    ...given({ tokenizer, bareText }),
    priorityDialect: router.priorityDialect ?? (engine.discovery === undefined ? "vllm" : "dynamo"),
    ...given({ keyHeader, requestFields }),
  };
}

/** Ids of workers by what answers call them, where that is another name. */
function workerNames(workers: readonly Worker[]): Record<string, string> {
  return Object.fromEntries(
    workers.flatMap(({ id, instance }) => (instance === undefined ? [] : [[instance, id]])),
  );
}
