/** Starts the mocker's workers, one child of this binary each, and sends requests to all of them at once. */
import { DynbenchError, given, v } from "dynbench";
import {
  chosenTokenizer,
  type EngineHandle,
  fetchControlJson,
  type PluginUse,
  type ProcessHandle,
  type StartContext,
  urlHost,
  type Worker,
  type WorkerRole,
} from "dynbench/engine";
import { resolveMocker, type MockerOptions } from "./mocker-options.ts";
import { KV_EVENTS_TOPIC } from "./kv-batches.ts";
import type { WorkerReady, WorkerTask } from "./worker-task.ts";

const readySchema = v.strictObject({
  port: v.number(),
  kvEventsPort: v.number(),
  replayPort: v.number(),
}) satisfies v.GenericSchema<unknown, WorkerReady>;

export async function startCluster(
  options: MockerOptions,
  context: StartContext,
): Promise<EngineHandle> {
  const { workers: roster, servedModelName, limits, timeScale } = resolveMocker(options);
  const use: PluginUse = { kind: "engine", name: "mocker", source: "bundled", options };
  const tokenizer = await chosenTokenizer(options.tokenizer, options.modelPath);
  const tokenizerPart = given({ tokenizer });
  await using started = new AsyncDisposableStack();
  const children = await startAll(roster.length, started, (index) => {
    const task: WorkerTask = { index, ...tokenizerPart };
    return context.processes.startSelf(roster[index]!.id, use, task);
  });
  context.signal.throwIfAborted();
  const workers = children.map((child, index) =>
    workerAt({
      ...roster[index]!,
      host: context.host,
      ready: v.parse(readySchema, child.ready),
      limits,
    }),
  );
  const stack = started.move();
  return {
    workers,
    servedModelName,
    ...tokenizerPart,
    facts: {
      engine: "mocker",
      ...tokenizerPart,
      timing: options.timing,
      timeScale,
      limits,
      workers: workers.map((worker, i) => ({
        id: worker.id,
        role: worker.role,
        url: worker.url,
        pid: children[i]!.pid,
      })),
    },
    resetCache: () => resetCaches(workers),
    // A stack disposes once, however often it is asked.
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** All in parallel; when one fails, `started` still owns those that did start. */
async function startAll<Child extends ProcessHandle>(
  count: number,
  started: AsyncDisposableStack,
  start: (index: number) => Promise<Child>,
): Promise<Child[]> {
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, async (_, index) => started.use(await start(index))),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
}

function workerAt(at: {
  id: string;
  role: WorkerRole;
  host: string;
  ready: WorkerReady;
  limits: Pick<Worker, "blockSize" | "kvBlocks" | "maxModelLen">;
}): Worker {
  const { id, role, ready, limits } = at;
  const host = urlHost(at.host);
  const url = `http://${host}:${ready.port}`;
  return {
    id,
    url,
    role,
    blockSize: limits.blockSize,
    ...given({ kvBlocks: limits.kvBlocks, maxModelLen: limits.maxModelLen }),
    kvEvents: {
      endpoint: `tcp://${host}:${ready.kvEventsPort}`,
      replayEndpoint: `tcp://${host}:${ready.replayPort}`,
      topic: KV_EVENTS_TOPIC,
    },
    metricsUrl: `${url}/metrics`,
  };
}

/** A decode worker's report that it has read a prompt's KV may come after the answer's end. */
const LAST_WORDS_MS = 3000;
const LAST_WORDS_POLL_MS = 20;

async function resetCaches(workers: readonly Worker[]): Promise<void> {
  await Promise.all(
    workers.map(async ({ id, url }) => {
      for (let waitedMs = 0; ; waitedMs += LAST_WORDS_POLL_MS) {
        const answer = await fetchControlJson(`${url}/reset_prefix_cache`, { method: "POST" });
        if (v.is(v.object({ success: v.literal(true) }), answer)) return;
        if (waitedMs >= LAST_WORDS_MS) break;
        await Bun.sleep(LAST_WORDS_POLL_MS);
      }
      throw new DynbenchError("start", `Cannot reset the cache of ${id}: requests are running`, {
        hint: "Wait until they have ended",
      });
    }),
  );
}
