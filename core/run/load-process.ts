/** The load process of one cell, as the main process sees it: its task, and its records as they come. */
import { given } from "../base/given.ts";
import type { RunFolder } from "./folder/run-folder.ts";
import {
  LoadMessageSchema,
  malformed,
  messageFrom,
  type LoadMessage,
  type LoadProgress,
  type LoadTask,
} from "../process/messages.ts";
import type { ClientHealth, Settled } from "../contract/result.ts";
import type { Plan, PlannedCell } from "../contract/plan.ts";
import type { Supervisor } from "../process/supervisor.ts";
import { endOf, lastWords, reasonIn } from "../process/death.ts";
import { EXPLAINED_LINES, LAST_LINES } from "../process/lines.ts";
import type { EngineHandle } from "../contract/engine.ts";
import type { RouterTraits } from "../contract/router.ts";
import { parseRecord, type RequestRecord } from "../contract/record.ts";
import type { Worker } from "../contract/request.ts";
import type { RunningRouter } from "./setup/router-up.ts";
import { DynbenchError } from "../base/errors.ts";

export interface LoadEnd {
  readonly state: "completed" | "aborted";
  readonly health: ClientHealth | undefined;
  /** Of a settling load. */
  readonly settled?: Settled;
}

interface LoadDeps {
  readonly host: string;
  readonly folder: Pick<RunFolder, "file">;
  readonly supervisor: Pick<Supervisor, "startLines">;
  /** Stops the load; what was measured until then is kept. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
  /** Gets each record with its line, without its end. */
  readonly onRecord: (record: RequestRecord, line: string) => void;
}

/** The line of a record starts so; others are messages. */
const RECORD_START = '{"cell":';
const NAME = "load";

/** Drives the cell's load to its end. Rejects when the load process fails or breaks. */
export async function driveLoad(task: LoadTask, deps: LoadDeps): Promise<LoadEnd> {
  const { seed, workload } = task.cell;
  const child = deps.supervisor.startLines({
    role: "load",
    name: NAME,
    host: deps.host,
    seed,
    use: workload,
    task,
  });
  const logPath = deps.folder.file(`logs/${NAME}.log`);
  // The load process stops when its stdin closes: it records what is in flight and ends by itself.
  const stop = (): void => void child[Symbol.asyncDispose]();
  deps.signal.addEventListener("abort", stop, { once: true });
  if (deps.signal.aborted) stop();
  try {
    const { health, settled, cut } = await readLines(child.lines, logPath, deps);
    const { code, signal } = await child.exited;
    if (deps.signal.aborted) return { state: "aborted", health, ...given({ settled }) };
    if (code !== 0 || health === undefined) {
      const lines = child.lastLines(EXPLAINED_LINES);
      const why = reasonIn(lines, { signal })?.what;
      throw new DynbenchError(
        "load",
        `The load generator ended early (${endOf(code, signal)})${why === undefined ? "" : `: ${why}`}`,
        { hint: lastWords(lines.slice(-LAST_LINES), logPath) },
      );
    }
    if (cut !== undefined) throw cut;
    return { state: "completed", health, ...given({ settled }) };
  } finally {
    deps.signal.removeEventListener("abort", stop);
    await child[Symbol.asyncDispose]();
  }
}

/**
 * Takes every line. Throws at a malformed one; the last one is returned as `cut` instead, because a
 * process that dies may leave half a line, and how it died is the better reason.
 */
async function readLines(
  lines: AsyncIterable<string>,
  logPath: string,
  { onProgress, onRecord }: Pick<LoadDeps, "onProgress" | "onRecord">,
): Promise<Pick<LoadEnd, "health" | "settled"> & { cut: DynbenchError | undefined }> {
  let health: ClientHealth | undefined;
  let settled: Settled | undefined;
  let cut: DynbenchError | undefined;
  for await (const line of lines) {
    if (cut !== undefined) throw cut;
    let entry: RequestRecord | LoadMessage;
    try {
      entry = entryIn(line, logPath);
    } catch (error) {
      cut = error as DynbenchError;
      continue;
    }
    if ("cell" in entry) onRecord(entry, line);
    else if (entry.type === "tick") onProgress(entry);
    else if (entry.type === "done") ({ health, settled } = entry);
    else if (entry.type === "failed") throw loadFault(entry);
  }
  return { health, ...given({ settled }), cut };
}

function entryIn(line: string, logPath: string): RequestRecord | LoadMessage {
  const child = { name: NAME, logPath };
  if (!line.startsWith(RECORD_START)) return messageFrom(child, LoadMessageSchema, line);
  try {
    return parseRecord(line);
  } catch (cause) {
    throw malformed(child, line, cause);
  }
}

/** A plan that cannot be carried out is the user's; everything else is a failed load. */
function loadFault({
  code,
  message,
  hint,
}: Extract<LoadMessage, { type: "failed" }>): DynbenchError {
  return new DynbenchError(code === "plan" ? "plan" : "load", message, { hint });
}

/** The task of the load process of one cell. */
export function loadTask(of: {
  readonly plan: Pick<Plan, "wire">;
  readonly cell: PlannedCell;
  readonly tokenSeed: number;
  readonly router: RunningRouter;
  readonly engine: EngineHandle;
  readonly traits: RouterTraits;
  readonly settling?: LoadTask["settling"];
}): LoadTask {
  const { plan, cell, tokenSeed, router, engine, traits, settling } = of;
  const { keyHeader, requestFields } = traits;
  const { tokenizer, bareText } = engine;
  return {
    cell,
    wire: plan.wire,
    tokenSeed,
    targets: router.urls,
    model: router.servedModelName ?? engine.servedModelName,
    workerNames: workerNames(engine.workers),
    targetWorkers: router.urls.map(
      (url) => engine.workers.find((worker) => worker.url === url)?.id ?? null,
    ),
    ...given({ tokenizer, bareText }),
    priorityDialect: router.priorityDialect ?? (engine.discovery === undefined ? "vllm" : "dynamo"),
    ...given({ keyHeader, requestFields, settling }),
  };
}

/** Ids of workers by the names that answers have for them, where those differ. */
function workerNames(workers: readonly Worker[]): Record<string, string> {
  return Object.fromEntries(
    workers.flatMap(({ id, instance }) => (instance === undefined ? [] : [[instance, id]])),
  );
}
