/**
 * A real engine on plane "dynamo": a `python -m dynamo.ENGINE` for each worker, aggregated or split, registered,
 * read back and compared with the plan before anything else starts.
 */
import { cpus } from "node:os";
import { DynbenchError, given } from "dynbench";
import {
  allOrNone,
  chosenTokenizer,
  type EngineHandle,
  freePorts,
  probePython,
  type StartContext,
} from "dynbench/engine";
import { openPlane } from "../dynamo/plane.ts";
import { startWorkerProcesses, type WorkerProcess } from "../dynamo/worker-processes.ts";
import { mustBeAsPlanned } from "./as-planned.ts";
import { writeFiles } from "./files.ts";
import { flagNames } from "./flags.ts";
import { fetchModel, modelBesideEngine, modelFaults, type ModelFacts } from "./model-facts.ts";
import { coresOf, findGpus, placeServers, type Placement } from "./placement.ts";
import type { ServerKind } from "./server-kind.ts";
import { rosterOf } from "../worker-roles.ts";
import { environmentOf, type ServerOptions } from "./server-options.ts";

/** KV events, their replay, the status server, KV transfers. */
const PORTS_EACH = 4;

interface Found {
  readonly versions: Readonly<Record<string, string>>;
  readonly flags: ReadonlySet<string>;
  readonly model: ModelFacts;
  readonly placement: Placement;
  readonly isCpuBuild: boolean;
  readonly users: Readonly<Record<string, string>>;
}

export async function startDynamoWorkers(
  kind: ServerKind,
  options: ServerOptions,
  context: StartContext,
): Promise<EngineHandle> {
  const found = await lookAround(kind, options, context);
  const { versions, model, placement } = found;
  const servedModelName = options.servedModelName ?? options.modelPath;
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await openPlane(options.python, context));
  const processes = await workerProcesses(kind, options, { ...found, servedModelName, context });
  const { workers, resetCache } = await startWorkerProcesses(plane, processes, {
    ...{ model: servedModelName, limitMs: options.readyLimitS * 1000, context, stack },
    explain: kind.explain,
  });
  mustBeAsPlanned(kind, options, workers, context.engineArgs);
  const tokenizer = await chosenTokenizer(undefined, model.path);
  const owned = stack.move();
  return {
    workers,
    servedModelName,
    ...given({ tokenizer }),
    bareText: true, // measured: its frontend (1.6.1) puts no first token before a text
    discovery: plane.discovery,
    ...given({ eventsPublished: plane.kvEventMessages, resetCache }),
    ...(found.isCpuBuild ? {} : { gpus: placement.gpus.flatMap((set) => set ?? []) }),
    facts: {
      engine: kind.onDynamo.module,
      ...{ versions, model },
      workers: workers.map((worker, index) => ({ ...worker, gpus: placement.gpus[index] })),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What Python, model and machine have, found before the plane is opened. Throws where they cannot serve. */
async function lookAround(
  kind: ServerKind,
  options: ServerOptions,
  context: StartContext,
): Promise<Found> {
  const { log, engineArgs } = context;
  const { module } = kind.onDynamo;
  const users = environmentOf(options.env, process.env);
  log.info(`Asking "${options.python}" for its Dynamo, its ${kind.title} and their flags`);
  const gpus = await findGpus(options, users, context);
  const [{ versions, flags }, model] = await allOrNone(context.signal, (both) => {
    const own = { ...context, signal: both };
    const question = {
      ...{ python: options.python, env: { ...users, ...PROBE_ENV }, launch: undefined },
      distributions: ["ai-dynamo"],
      also: kind.distributions,
      programs: [{ name: module, help: ["-m", module, "--help"] }],
    };
    const engine = probePython(question, own);
    return [engine, modelBesideEngine(fetchModel(options, users, own), engine)];
  });
  const isCpu = kind.isCpuBuild?.(versions) ?? false;
  const placement = placeServers(options, { gpus, isCpuBuild: isCpu });
  const { fault, notes } = modelFaults(options, model, { gpus, engineArgs });
  if (fault) throw fault;
  if (!model.hasChatTemplate && !flagNames(engineArgs).has("--custom-jinja-template")) {
    throw new DynbenchError(
      "start",
      `Cannot serve "${options.modelPath}" through Dynamo: its folder has no chat template, without which its frontend waits for ever`,
      { hint: 'Add "chat_template" to its tokenizer_config.json' },
    );
  }
  for (const note of [...notes, ...placement.notes]) log.info(note);
  return { versions, flags, model, placement, isCpuBuild: isCpu, users };
}

/** A module that looks for a discovery before it prints its help would wait for etcd. */
const PROBE_ENV = { DYN_DISCOVERY_BACKEND: "mem" };

async function workerProcesses(
  kind: ServerKind,
  options: ServerOptions,
  of: Found & { servedModelName: string; context: StartContext },
): Promise<WorkerProcess[]> {
  const { placement, flags, model, servedModelName, users, context } = of;
  const { host, engineArgs } = context;
  const count = placement.gpus.length;
  const ports = freePorts(count * PORTS_EACH);
  const folder = await writeFiles(kind.files?.(options, engineArgs) ?? {}, context);
  return rosterOf(options, count).map(({ id, role }, index) => {
    const [kvEvents, replay, statusPort, transfer] = ports.slice(index * PORTS_EACH);
    const cores = { servers: count, cores: cpus().length };
    const place = {
      gpus: placement.gpus[index],
      cpus: of.isCpuBuild && count > 1 ? coresOf(index, cores) : undefined,
    };
    return {
      ...{ id, role, statusPort: statusPort! },
      command: kind.onDynamo.command({
        ...{ options, role, model: model.path, servedModelName, flags, folder, host, engineArgs },
        ports: { kvEvents: kvEvents!, replay: replay!, transfer: transfer! },
      }),
      env: { ...kind.onDynamo.env({ ...place, role, host, transferPort: transfer! }), ...users },
    };
  });
}
