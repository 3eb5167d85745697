/** Starts Dynamo's frontend in front of registered workers and waits until it serves their model. */
import {
  DynbenchError,
  fetchControl,
  messageOf,
  type EngineHandle,
  type ProcessHandle,
  type StartContext,
} from "dynbench";
import { explainFrontend } from "./frontend-faults.ts";
import { freePort } from "./free-port.ts";
import { parseWithIds } from "./registration.ts";

/** Frontend and simulated workers are ready within 1.5 s; a machine under load takes ten times that. */
const READY_LIMIT_MS = 60_000;
const POLL_MS = 50;
const LOG_LINES = 400;

export interface FrontendStart {
  readonly name: string;
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly host: string;
}

export interface Frontend extends AsyncDisposable {
  readonly url: string;
  readonly process: ProcessHandle;
}

export interface Frontends extends AsyncDisposable {
  readonly all: readonly Frontend[];
}

/** As many as the run wants; when one fails, none stays. */
export async function startFrontends(
  start: Omit<FrontendStart, "name">,
  engine: EngineHandle,
  context: StartContext,
): Promise<Frontends> {
  await using stack = new AsyncDisposableStack();
  const { replicas } = context;
  const outcomes = await Promise.allSettled(
    Array.from({ length: replicas }, async (_, index) => {
      const name = replicas === 1 ? "dynamo-frontend" : `dynamo-frontend-${index}`;
      return stack.use(await startFrontend({ ...start, name }, engine, context));
    }),
  );
  const all = outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
  const owned = stack.move();
  return { all, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Ready means: all workers in `/health`, and their model in `/v1/models`. */
async function startFrontend(
  start: FrontendStart,
  engine: EngineHandle,
  context: StartContext,
): Promise<Frontend> {
  const port = await freePort(start.host);
  const url = `http://${start.host}:${port}`;
  const address = ["--http-host", start.host, "--http-port", String(port)];
  await using stack = new AsyncDisposableStack();
  const process = stack.use(
    await context.processes.startForeign(
      start.name,
      [start.python, "-m", "dynamo.frontend", ...address, ...start.argv],
      { env: start.env },
    ),
  );
  await untilReady({ url, process, engine, signal: context.signal });
  const owned = stack.move();
  return { url, process, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function untilReady(at: {
  url: string;
  process: ProcessHandle;
  engine: EngineHandle;
  signal: AbortSignal;
}): Promise<void> {
  const { url, process, engine, signal } = at;
  let missing = "no answer";
  for (let waitedMs = 0; waitedMs < READY_LIMIT_MS; waitedMs += POLL_MS) {
    signal.throwIfAborted();
    missing = (await missingAt(url, engine, signal)) ?? "";
    if (missing === "") return;
    const explained = explainFrontend(process.lastLines(LOG_LINES));
    if (explained !== undefined) {
      throw new DynbenchError(
        "start",
        `Cannot use ${process.name}: ${explained.message}`,
        explained,
      );
    }
    await Bun.sleep(POLL_MS);
  }
  throw new DynbenchError(
    "start",
    `Cannot use ${process.name}: ${missing} after ${READY_LIMIT_MS / 1000} s`,
    { hint: ["Its last lines:", ...process.lastLines(5).map((line) => `  ${line}`)].join("\n") },
  );
}

/** What is not there yet, in words. */
async function missingAt(
  url: string,
  engine: EngineHandle,
  signal: AbortSignal,
): Promise<string | undefined> {
  let health: string;
  let models: string;
  try {
    health = await fetchControl(`${url}/health`, { signal });
    models = await fetchControl(`${url}/v1/models`, { signal });
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
  const ids = instanceIds(health);
  const absent = engine.workers.filter(({ instance }) => !ids.has(instance!));
  if (absent.length > 0) return `it does not see ${absent.map(({ id }) => id).join(", ")}`;
  const served = modelIds(models);
  if (served.includes(engine.servedModelName)) return undefined;
  return `it does not serve "${engine.servedModelName}"${served.length === 0 ? "" : ` but ${served.join(", ")}`}`;
}

/** Ids of the workers in the answer of `/health`. */
function instanceIds(health: string): Set<string> {
  const parsed = parseWithIds(health) as {
    instances?: { endpoint?: string; instance_id?: string }[];
  };
  const serving = (parsed?.instances ?? []).filter(({ endpoint }) => endpoint === "generate");
  return new Set(serving.map(({ instance_id: id }) => String(id)));
}

function modelIds(models: string): string[] {
  const parsed = parseWithIds(models) as { data?: { id?: string }[] };
  return (parsed?.data ?? []).map(({ id }) => String(id));
}
