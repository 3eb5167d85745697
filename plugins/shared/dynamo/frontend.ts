/** Starts Dynamo's frontend in front of registered workers and waits until it serves their model. */
import {
  fetchControl,
  freePorts,
  startFault,
  untilReady,
  urlHost,
  type EngineHandle,
  type ForeignProcess,
  type StartContext,
} from "dynbench/engine";
import { explainFrontend, isHopeless } from "./frontend-faults.ts";
import { withoutInherited } from "./own-environment.ts";
import { parseWithIds } from "./registration.ts";

/** Frontend and simulated workers are ready within 1.5 s; a machine under load takes ten times that. */
const READY_LIMIT_MS = 60_000;
const LOG_LINES = 400;

export interface FrontendStart {
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  readonly host: string;
}

export interface Frontends extends AsyncDisposable {
  readonly urls: readonly string[];
}

/** As many as the run wants; when one fails, none stays. */
export async function startFrontends(
  start: FrontendStart,
  engine: EngineHandle,
  context: StartContext,
): Promise<Frontends> {
  await using stack = new AsyncDisposableStack();
  const { port: first, replicas } = context;
  const ports =
    first === undefined
      ? freePorts(replicas)
      : Array.from({ length: replicas }, (_, replica) => first + replica);
  const outcomes = await Promise.allSettled(
    ports.map((port, index) => {
      const name = ports.length === 1 ? "dynamo-frontend" : `dynamo-frontend-${index}`;
      return startFrontend({ ...start, name, port }, engine, { context, stack });
    }),
  );
  const urls = outcomes.map((outcome) => {
    if (outcome.status === "rejected") throw outcome.reason;
    return outcome.value;
  });
  const owned = stack.move();
  return { urls, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Its URL, once all workers are in its `/health` and their model is in `/v1/models`. */
async function startFrontend(
  start: FrontendStart & { readonly name: string; readonly port: number },
  engine: EngineHandle,
  { context, stack }: { context: StartContext; stack: AsyncDisposableStack },
): Promise<string> {
  const { name, python, env, argv, host, port } = start;
  const address = ["--http-host", host, "--http-port", String(port)];
  const command = withoutInherited([python, "-m", "dynamo.frontend", ...address, ...argv], {
    ...{ own: env, inherited: process.env },
  });
  const program = stack.use(
    await context.processes.startForeign(name, command, {
      env,
      isUnguarded: true,
      explain: explainFrontend,
    }),
  );
  const url = `http://${urlHost(host)}:${port}`;
  await untilServing({ url, program, engine, context });
  program.guard();
  return url;
}

async function untilServing(at: {
  url: string;
  program: ForeignProcess;
  engine: EngineHandle;
  context: StartContext;
}): Promise<void> {
  const { url, program, engine, context } = at;
  const log = { explain: explainFrontend };
  const hopeless = new AbortController();
  await untilReady(program, {
    ...log,
    log: context.log,
    limitMs: READY_LIMIT_MS,
    signal: AbortSignal.any([context.signal, hopeless.signal]),
    isUp: async () => {
      const missing = await missingAt(url, engine, context.signal);
      if (missing === undefined) return;
      if (isHopeless(program.lastLines(LOG_LINES))) {
        hopeless.abort(startFault(program, log, "it will never serve"));
      }
      throw new Error(missing);
    },
  });
}

/** What is not there yet, in words. */
async function missingAt(
  url: string,
  engine: EngineHandle,
  signal: AbortSignal,
): Promise<string | undefined> {
  const ids = instanceIds(await fetchControl(`${url}/health`, { signal }));
  const absent = engine.workers.filter(({ instance }) => !ids.has(instance!));
  if (absent.length > 0) return `it does not see ${absent.map(({ id }) => id).join(", ")}`;
  const served = modelIds(await fetchControl(`${url}/v1/models`, { signal }));
  if (served.includes(engine.servedModelName)) return undefined;
  const instead = served.length === 0 ? "" : ` but "${served.join('", "')}"`;
  return `it does not serve "${engine.servedModelName}"${instead}`;
}

/** Ids of the workers in the answer of `/health`. */
function instanceIds(health: string): Set<string> {
  const parsed = parseWithIds(health) as Health;
  const serving = (parsed?.instances ?? []).filter(({ endpoint }) => endpoint === "generate");
  return new Set(serving.map(({ instance_id: id }) => String(id)));
}

interface Health {
  instances?: { endpoint?: string; instance_id?: string }[];
}

function modelIds(models: string): string[] {
  const parsed = parseWithIds(models) as { data?: { id?: string }[] };
  return (parsed?.data ?? []).map(({ id }) => String(id));
}
