/** Brings N vLLM servers up, all at once, and down again. */
import { cpus } from "node:os";
import {
  allOrNone,
  chosenTokenizer,
  launched,
  messageOf,
  type EngineHandle,
  type ForeignProcess,
  type StartContext,
} from "dynbench";
import { mustBeAsPlanned } from "./as-planned.ts";
import { publishesEvents, serverCommand, serverEnv, type ServerCommand } from "./command.ts";
import { findVllm, missingIn, type Installation } from "./installation.ts";
import { explainVllm } from "./log-reasons.ts";
import { fetchModel, modelFaults, type ModelFacts } from "./model-facts.ts";
import { coresOf, findGpus, placeServers, portsOf, type Placement } from "./placement.ts";
import { resetCache, serverReady, type ReadyServer } from "./server-ready.ts";
import { environmentOf, type VllmOptions } from "./vllm-options.ts";

export async function startCluster(
  options: VllmOptions,
  context: StartContext,
): Promise<EngineHandle> {
  const { log, engineArgs, signal } = context;
  const users = environmentOf(options.env, process.env);
  log.info(`Asking "${options.python}" for its vLLM and its flags`);
  const gpusFound = await findGpus(options, users, context);
  const [installed, model] = await allOrNone(signal, (both) => [
    findVllm(options, users, { ...context, signal: both }),
    fetchModel(options, users, { ...context, signal: both }),
  ]);
  const placement = placeServers(options, { gpus: gpusFound, ...installed });
  const { fault, notes } = modelFaults(options, model, { gpus: gpusFound, engineArgs });
  if (fault) throw fault;
  for (const note of [...missingIn(installed), ...notes]) log.warn(note);
  log.info(`vLLM ${installed.version} (${installed.program})`);
  for (const note of placement.notes) log.info(note);
  signal.throwIfAborted();

  await using started = new AsyncDisposableStack();
  const servers = await startServers({ options, context, installed, placement, users, started });
  const ready = servers.map(({ ready: server }) => server);
  const workers = ready.map(({ worker }) => worker);
  mustBeAsPlanned(options, workers, engineArgs);
  const names = new Set(ready.map(({ servedModelName }) => servedModelName));
  if (names.size > 1) throw new Error(`servers name their model differently: ${[...names]}`);
  // On another machine its folder is not here, and prompts as text are made of built-in words.
  const tokenizer = await chosenTokenizer(undefined, model.path);
  const canReset = ready.every((server) => server.canReset);
  const owned = started.move();
  return {
    workers,
    servedModelName: ready[0]!.servedModelName,
    ...(tokenizer === undefined ? {} : { tokenizer }),
    facts: factsOf({ installed, placement, model, servers }),
    ...(canReset
      ? {
          resetCache: async () => {
            await Promise.all(workers.map(({ url }) => resetCache(url)));
          },
        }
      : {}),
    ...(installed.isCpuBuild || options.launch !== undefined
      ? {}
      : { gpus: placement.gpus.flatMap((set) => set ?? []) }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Server {
  readonly program: ForeignProcess;
  readonly ready: ReadyServer;
}

/** All in parallel; when one fails, those that did start are left to `started`. */
async function startServers(of: {
  options: VllmOptions;
  context: StartContext;
  installed: Installation;
  placement: Placement;
  users: Readonly<Record<string, string>>;
  started: AsyncDisposableStack;
}): Promise<Server[]> {
  const { options, context, installed, placement, users, started } = of;
  const count = placement.gpus.length;
  const ports = portsOf(options, count);
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const startOne = async (gpus: readonly string[] | undefined, index: number): Promise<Server> => {
    const id = `worker-${index}`;
    const server: ServerCommand = {
      options,
      program: installed.program,
      flags: installed.flags,
      ports: ports[index]!,
      engineArgs: context.engineArgs,
    };
    const cpusOf = { servers: count, cores: cpus().length };
    const env = serverEnv({
      gpus,
      cpus: installed.isCpuBuild && count > 1 ? coresOf(index, cpusOf) : undefined,
      users,
    });
    const start = launched(options.launch, { command: serverCommand(server), env });
    const program = started.use(
      await context.processes.startForeign(id, start.command, {
        env: start.env,
        holdsStdin: start.holdsStdin,
        isUnguarded: true,
        explain: explainVllm,
      }),
    );
    const ready = await serverReady(program, {
      id,
      host: options.workerHost,
      ports: ports[index]!,
      publishesEvents: publishesEvents(server),
      limitMs: options.readyLimitS * 1000,
      signal,
      log: context.log,
    });
    context.log.info(`${id} is ready at ${ready.worker.url}`);
    return { program, ready };
  };
  const outcomes = await Promise.allSettled(
    placement.gpus.map(async (gpus, index) => {
      try {
        return await startOne(gpus, index);
      } catch (error) {
        stop.abort(error); // one that fails is enough; the others need not load to the end
        throw error;
      }
    }),
  );
  context.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<Server>).value);
}

function factsOf(of: {
  installed: Installation;
  placement: Placement;
  model: ModelFacts;
  servers: readonly Server[];
}): Record<string, unknown> {
  return {
    engine: "vllm",
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
