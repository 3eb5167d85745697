/** Brings N model servers up, all at once, and down again. */
import { cpus } from "node:os";
import { given } from "dynbench";
import {
  allOrNone,
  chosenTokenizer,
  endedTogether,
  type EngineHandle,
  type ForeignProcess,
  launched,
  probePython,
  type StartContext,
} from "dynbench/engine";
import { mustBeAsPlanned } from "./as-planned.ts";
import { writeFiles } from "./files.ts";
import { fetchModel, modelBesideEngine, modelFaults, type ModelFacts } from "./model-facts.ts";
import { coresOf, findGpus, placeServers, portsOf, type Placement } from "./placement.ts";
import type { ServerKind } from "./server-kind.ts";
import { environmentOf, type ServerOptions } from "./server-options.ts";
import { serverReady, type ReadyServer } from "./server-ready.ts";

export async function startHttpServers(
  kind: ServerKind,
  options: ServerOptions,
  context: StartContext,
): Promise<EngineHandle> {
  const { log, engineArgs, signal } = context;
  const users = environmentOf(options.env, process.env);
  log.info(`Asking "${options.python}" for its ${kind.title} and its flags`);
  const gpusFound = await findGpus(options, users, context);
  const [installed, model] = await allOrNone(signal, (both) => {
    const engine = findEngine(kind, options, users, { ...context, signal: both });
    const fetched = fetchModel(options, users, { ...context, signal: both });
    return [engine, modelBesideEngine(fetched, engine)];
  });
  const placement = placeServers(options, { gpus: gpusFound, ...installed });
  const { fault, notes } = modelFaults(options, model, { gpus: gpusFound, engineArgs });
  if (fault) throw fault;
  const lacks = kind.lacks?.(installed.version, installed.flags) ?? [];
  for (const note of [...lacks, ...notes]) log.warn(note);
  log.info(`${kind.title} ${installed.version} (${installed.program})`);
  for (const note of placement.notes) log.info(note);
  signal.throwIfAborted();

  await using started = new AsyncDisposableStack();
  const servers = await startServers({
    kind,
    options,
    context,
    installed,
    placement,
    users,
    started,
  });
  const ready = servers.map(({ ready: server }) => server);
  const workers = ready.map(({ worker }) => worker);
  mustBeAsPlanned(kind, options, workers, engineArgs);
  const names = new Set(ready.map(({ servedModelName }) => servedModelName));
  if (names.size > 1) throw new Error(`servers name their model differently: ${[...names]}`);
  // Where the servers run on another machine, the folder is not here: prompts as text are made of built-in words.
  const tokenizer = await chosenTokenizer(undefined, model.path);
  const canReset = ready.every((server) => server.canReset);
  const owned = started.move();
  return {
    workers,
    servedModelName: ready[0]!.servedModelName,
    ...given({ tokenizer }),
    facts: factsOf({ kind, installed, placement, model, servers }),
    ...(canReset
      ? {
          resetCache: async () => {
            await Promise.all(workers.map(({ url }) => kind.resetCache!(url)));
          },
        }
      : {}),
    ...(installed.isCpuBuild || options.launch !== undefined
      ? {}
      : { gpus: placement.gpus.flatMap((set) => set ?? []) }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The engine of a Python: its version, how its server is started there, and the flags it knows. */
interface Installation {
  readonly version: string;
  readonly program: string;
  readonly flags: ReadonlySet<string>;
  readonly isCpuBuild: boolean;
}

/** Throws when that Python has no such engine, or one that does not run. */
async function findEngine(
  kind: ServerKind,
  options: ServerOptions,
  env: Readonly<Record<string, string>>,
  context: Pick<StartContext, "processes" | "signal" | "log">,
): Promise<Installation> {
  const { distributions, programs } = kind;
  const { python, launch } = options;
  const question = { python, env, launch, distributions, programs };
  const { versions, program, flags } = await probePython(question, context);
  const version = distributions.map((name) => versions[name]).find((each) => each !== undefined)!;
  return { version, program, flags, isCpuBuild: kind.isCpuBuild?.(versions) ?? false };
}

interface Server {
  readonly program: ForeignProcess;
  readonly ready: ReadyServer;
}

/** All in parallel; when one fails, `started` still owns those that did start. */
async function startServers(of: {
  kind: ServerKind;
  options: ServerOptions;
  context: StartContext;
  installed: Installation;
  placement: Placement;
  users: Readonly<Record<string, string>>;
  started: AsyncDisposableStack;
}): Promise<Server[]> {
  const { kind, options, context, installed, placement, users, started } = of;
  const count = placement.gpus.length;
  const ports = portsOf(options, count);
  const folder = await writeFiles(kind.files?.(options, context.engineArgs) ?? {}, context);
  const keep = endedTogether(started);
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const startOne = async (gpus: readonly string[] | undefined, index: number): Promise<Server> => {
    const id = `worker-${index}`;
    const { flags, program: name } = installed;
    const command = kind.command({
      ...{ options, program: name, flags, ports: ports[index]!, folder },
      engineArgs: context.engineArgs,
    });
    const cpusOf = { servers: count, cores: cpus().length };
    const place = {
      gpus,
      cpus: installed.isCpuBuild && count > 1 ? coresOf(index, cpusOf) : undefined,
      host: context.host,
    };
    const env = { ...kind.env(place), ...users };
    const start = launched(options.launch, { command, env });
    const program = keep(
      await context.processes.startForeign(id, start.command, {
        env: start.env,
        holdsStdin: start.holdsStdin,
        isUnguarded: true,
        explain: kind.explain,
      }),
    );
    const ready = await serverReady(program, {
      ...{ kind, id, options, flags, ports: ports[index]!, signal, log: context.log },
      limitMs: options.readyLimitS * 1000,
      engineArgs: context.engineArgs,
    });
    context.log.info(`${id} is ready at ${ready.worker.url}`);
    const { url, blockSize } = ready.worker;
    const publisher = await kind.publishEvents?.({ id, url, blockSize, options }, context);
    if (publisher === undefined) return { program, ready };
    const { kvEvents } = started.use(publisher);
    return { program, ready: { ...ready, worker: { ...ready.worker, kvEvents } } };
  };
  const outcomes = await Promise.allSettled(
    placement.gpus.map(async (gpus, index) => {
      try {
        return await startOne(gpus, index);
      } catch (error) {
        stop.abort(error); // one failure is enough; the others need not load to the end
        throw error;
      }
    }),
  );
  context.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<Server>).value);
}

function factsOf(of: {
  kind: ServerKind;
  installed: Installation;
  placement: Placement;
  model: ModelFacts;
  servers: readonly Server[];
}): Record<string, unknown> {
  return {
    engine: of.kind.title,
    version: of.installed.version,
    program: of.installed.program,
    model: of.model,
    workers: of.servers.map(({ program, ready }, index) => ({
      ...ready.worker,
      version: ready.version,
      pid: program.pid,
      gpus: of.placement.gpus[index],
    })),
  };
}
