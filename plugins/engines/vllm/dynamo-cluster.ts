/**
 * vLLM on plane "dynamo": a `python -m dynamo.vllm` for each worker, aggregated or split, registered,
 * read back and compared with the plan before anything else starts.
 */
import { cpus } from "node:os";
import {
  allOrNone,
  chosenTokenizer,
  DynbenchError,
  freePorts,
  probePython,
  type EngineHandle,
  type StartContext,
} from "dynbench";
import { openPlane } from "../../dynamo/plane.ts";
import { startWorkerProcesses, type WorkerProcess } from "../../dynamo/worker-processes.ts";
import { mustBeAsPlanned } from "./as-planned.ts";
import { DYNAMO_MODULE, dynamoCommand, dynamoEnv } from "./dynamo-command.ts";
import { flagNames } from "./flags.ts";
import { isCpuBuild, DISTRIBUTIONS } from "./installation.ts";
import { explainVllm } from "./log-reasons.ts";
import { fetchModel, modelFaults, type ModelFacts } from "./model-facts.ts";
import { coresOf, findGpus, placeServers, type Placement } from "./placement.ts";
import { environmentOf, rosterOf, type VllmOptions } from "./vllm-options.ts";

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

export async function startDynamoCluster(
  options: VllmOptions,
  context: StartContext,
): Promise<EngineHandle> {
  const found = await lookAround(options, context);
  const { versions, model, placement } = found;
  const servedModelName = options.servedModelName ?? options.modelPath;
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await openPlane(options.python, context));
  const processes = workerProcesses(options, { ...found, servedModelName, context });
  const { workers, resetCache } = await startWorkerProcesses(plane, processes, {
    ...{ model: servedModelName, limitMs: options.readyLimitS * 1000, context, stack },
    explain: explainVllm,
  });
  mustBeAsPlanned(options, workers, context.engineArgs);
  const tokenizer = await chosenTokenizer(undefined, model.path);
  const owned = stack.move();
  return {
    workers,
    servedModelName,
    ...(tokenizer === undefined ? {} : { tokenizer }),
    bareText: true, // measured: its frontend (1.6.1) puts no first token before a text
    discovery: plane.discovery,
    ...(plane.kvEventMessages === undefined ? {} : { eventsPublished: plane.kvEventMessages }),
    ...(resetCache === undefined ? {} : { resetCache }),
    ...(found.isCpuBuild ? {} : { gpus: placement.gpus.flatMap((set) => set ?? []) }),
    facts: {
      engine: DYNAMO_MODULE,
      ...{ versions, model },
      workers: workers.map((worker, index) => ({ ...worker, gpus: placement.gpus[index] })),
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What Python, model and machine have, before the plane is opened. Throws where it cannot do. */
async function lookAround(options: VllmOptions, context: StartContext): Promise<Found> {
  const { log, engineArgs } = context;
  const users = environmentOf(options.env, process.env);
  log.info(`Asking "${options.python}" for its Dynamo, its vLLM and their flags`);
  const gpus = await findGpus(options, users, context);
  const [{ versions, flags }, model] = await allOrNone(context.signal, (both) => {
    const own = { ...context, signal: both };
    const question = {
      ...{ python: options.python, env: { ...users, ...PROBE_ENV }, launch: undefined },
      distributions: ["ai-dynamo"],
      also: DISTRIBUTIONS,
      programs: [{ name: DYNAMO_MODULE, help: ["-m", DYNAMO_MODULE, "--help"] }],
    };
    return [probePython(question, own), fetchModel(options, users, own)];
  });
  const isCpu = isCpuBuild(versions);
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

function workerProcesses(
  options: VllmOptions,
  of: Found & { servedModelName: string; context: StartContext },
): WorkerProcess[] {
  const { placement, flags, model, servedModelName, users, context } = of;
  const count = placement.gpus.length;
  const ports = freePorts(count * PORTS_EACH);
  return rosterOf(options, count).map(({ id, role }, index) => {
    const [kvEvents, replay, statusPort, transferPort] = ports.slice(index * PORTS_EACH);
    const cores = { servers: count, cores: cpus().length };
    return {
      ...{ id, role, statusPort: statusPort! },
      command: dynamoCommand({
        ...{ options, role, model: model.path, servedModelName, flags },
        ports: { kvEvents: kvEvents!, replay: replay! },
        engineArgs: context.engineArgs,
      }),
      env: dynamoEnv({
        ...{ role, users, transferPort: transferPort!, host: context.host },
        gpus: placement.gpus[index],
        cpus: of.isCpuBuild && count > 1 ? coresOf(index, cores) : undefined,
      }),
    };
  });
}
