/** Options of engines that start model servers. Defaults are those of the guide's `run_engines.sh`. */
import { launchFault, v, type WorkerRole } from "dynbench";
import { isLoopback } from "./flags.ts";

/** Workers of the guide, and the most that are started without being asked for. */
export const GUIDE_WORKERS = 8;

const MAX_WORKERS = 256;
const MAX_SIZE = 2 ** 31 - 1;
/** GPUs of one worker; more is a slip of the keyboard. */
const MAX_PARALLEL = 64;
const MAX_PORT = 65_535;

const size = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_SIZE));
const parallel = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PARALLEL));
const text = v.pipe(v.string(), v.nonEmpty());

export const serverOptions = v.strictObject({
  workers: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_WORKERS))),
    v.description("Servers to start; default: as many as the GPUs hold, at most 8"),
    v.metadata({ aliases: ["num-workers"] }),
  ),
  prefillWorkers: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_WORKERS))),
    v.description("Workers for prefill alone, in place of --workers; with --router dynamo"),
  ),
  decodeWorkers: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_WORKERS))),
    v.description("Workers for decode alone, in place of --workers; with --router dynamo"),
  ),
  modelPath: v.pipe(
    v.optional(text, "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"),
    v.description(
      "Model folder, or a name on the Hugging Face hub, fetched once before the servers start",
    ),
    v.metadata({ aliases: ["model"] }),
  ),
  servedModelName: v.pipe(
    v.optional(text),
    v.description("Name that requests must ask for; default: --model-path"),
  ),
  tensorParallelSize: v.pipe(
    v.optional(parallel, 1),
    v.description("GPUs that share the layers of one server"),
  ),
  dataParallelSize: v.pipe(
    v.optional(parallel, 1),
    v.description("Replicas of the model inside one server, each with GPUs of its own"),
  ),
  gpuOffset: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1024)), 0),
    v.description("GPUs left alone at the start of the list; the next ones go to worker-0"),
    v.metadata({ aliases: ["base-gpu-offset"] }),
  ),
  blockSize: v.pipe(v.optional(size, 64), v.description("Tokens per KV block")),
  kvBlocks: v.pipe(
    v.optional(size),
    v.description("KV blocks per server; default: what the engine finds room for"),
  ),
  maxModelLen: v.pipe(
    v.optional(size, 32_768),
    v.description("Longest prompt and answer together"),
  ),
  maxNumBatchedTokens: v.pipe(v.optional(size, 16_384), v.description("Token budget of a step")),
  maxNumSeqs: v.pipe(
    v.optional(size),
    v.description("Sequences in a batch; default: the engine's own"),
  ),
  enforceEager: v.pipe(
    v.optional(v.boolean(), true),
    v.description(
      "Run without CUDA graphs, as Dynamo's benchmark scripts do: a quicker start, slower steps",
    ),
  ),
  python: v.pipe(
    v.optional(text, "python3"),
    v.description("Python that has the engine: a path, or a name on PATH"),
  ),
  env: v.pipe(
    v.optional(
      v.array(
        v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*(=|$)/, "expected NAME=VALUE or NAME")),
      ),
      [],
    ),
    v.metadata({ verbatim: true }),
    v.description("Environment of the servers, NAME=VALUE; NAME alone takes the value from here"),
  ),
  launch: v.pipe(
    v.optional(text),
    v.description(
      'Start through another program: "ssh gpu7 {command}", "docker run -i … {command}"',
    ),
  ),
  workerHost: v.pipe(
    v.optional(text, "127.0.0.1"),
    v.description("Where the servers are reached; another machine's name with --launch ssh"),
  ),
  firstPort: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_PORT))),
    v.description("Port of worker-0, the others' follow; default: free ports, elsewhere 8100"),
  ),
  readyLimitS: v.pipe(
    v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(86_400)), 1800),
    v.description("Limit for loading the model and answering the first request, in seconds"),
  ),
});

export type ServerOptions = v.InferOutput<typeof serverOptions>;

interface OptionFault {
  path: string;
  message: string;
  hint: string;
}

/** Faults of all such engines. vLLM refuses to start when one request of the longest kind would not fit the cache. */
export function checkServers(
  options: ServerOptions,
  router?: { readonly plane: "http" | "dynamo" },
): OptionFault[] {
  const faults: OptionFault[] = [...roleFaults(options)];
  if (router?.plane === "dynamo") faults.push(...planeFaults(options));
  const launch = options.launch === undefined ? undefined : launchFault(options.launch);
  if (launch) faults.push({ path: "launch", ...launch });
  const secret = options.env.find((entry) => /^[^=]*(token|key|secret|pass)[^=]*=/i.test(entry));
  if (secret !== undefined) {
    const name = secret.slice(0, secret.indexOf("="));
    faults.push({
      path: "env",
      message: `the value of ${name} would be stored with the run`,
      hint: `Set it in the environment of dynbench, and name it alone: --env ${name}`,
    });
  }
  const { kvBlocks, blockSize, maxModelLen } = options;
  if (kvBlocks !== undefined && kvBlocks * blockSize < maxModelLen) {
    faults.push({
      path: "maxModelLen",
      message: `A request of ${maxModelLen} tokens does not fit a KV cache of ${kvBlocks * blockSize}`,
      hint: `Use --max-model-len ${kvBlocks * blockSize}, or at least --kv-blocks ${Math.ceil(maxModelLen / blockSize)}`,
    });
  }
  return faults;
}

function roleFaults({ workers, prefillWorkers, decodeWorkers }: ServerOptions): OptionFault[] {
  if (prefillWorkers === undefined && decodeWorkers === undefined) return [];
  if (prefillWorkers === undefined || decodeWorkers === undefined) {
    const [given, missing] =
      prefillWorkers === undefined ? ["decode", "prefill"] : ["prefill", "decode"];
    const hint = `Add --${missing}-workers 1`;
    return [{ path: `${given}Workers`, message: `${given} workers alone answer no request`, hint }];
  }
  if (workers === undefined) return [];
  const message = "are either all alike, or split into prefill and decode";
  return [{ path: "workers", message, hint: "Leave --workers out" }];
}

/** Workers of Dynamo's plane find each other through this machine's files and loopback. */
function planeFaults(options: ServerOptions): OptionFault[] {
  const here = "is not possible with --router dynamo, whose workers run on this machine";
  const { launch, workerHost, dataParallelSize } = options;
  const faults: OptionFault[] = [];
  if (launch !== undefined) {
    faults.push({ path: "launch", message: here, hint: "Run dynbench there" });
  }
  if (!isLoopback(workerHost)) {
    faults.push({ path: "workerHost", message: here, hint: "Leave --worker-host out" });
  }
  if (dataParallelSize > 1) {
    const message = "makes ranks that Dynamo's frontend tells apart and its answers do not";
    const hint = "Start more workers instead: --workers";
    faults.push({ path: "dataParallelSize", message, hint });
  }
  return faults;
}

/** How many servers were asked for, in whatever roles; undefined: as many as the GPUs hold. */
export function workersWanted(options: ServerOptions): number | undefined {
  const { workers, prefillWorkers, decodeWorkers } = options;
  return prefillWorkers === undefined ? workers : prefillWorkers + (decodeWorkers ?? 0);
}

/** Name and role of each of `count` workers. */
export function rosterOf(
  { prefillWorkers, decodeWorkers }: ServerOptions,
  count: number,
): { readonly id: string; readonly role: WorkerRole }[] {
  const named = (size: number, name: string, role: WorkerRole) =>
    Array.from({ length: size }, (_, i) => ({ id: `${name}-${i}`, role }));
  if (prefillWorkers === undefined) return named(count, "worker", "aggregated");
  return [
    ...named(prefillWorkers, "prefill", "prefill"),
    ...named(decodeWorkers ?? 0, "decode", "decode"),
  ];
}

/** `--env` as a map; a name alone has the value it has in `surroundings`, and none without one. */
export function environmentOf(
  entries: readonly string[],
  surroundings: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const pairs = entries.flatMap((entry): [string, string][] => {
    const end = entry.indexOf("=");
    if (end >= 0) return [[entry.slice(0, end), entry.slice(end + 1)]];
    const value = surroundings[entry];
    return value === undefined ? [] : [[entry, value]];
  });
  return Object.fromEntries(pairs);
}
