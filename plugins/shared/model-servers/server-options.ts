/** Options of engines that start model servers. Defaults are those of `run_engines.sh` in Dynamo's router benchmarking guide. */
import { v } from "dynbench";
import { launchFault } from "dynbench/engine";
import { text, whole, within } from "../option-shapes.ts";
import { fitFaults, roleFaults, type OptionFault } from "../worker-roles.ts";
import { isLoopback } from "./flags.ts";

/** Workers of Dynamo's router benchmarking guide, and the most that are started unless the user asks for more. */
export const GUIDE_WORKERS = 8;

const MAX_WORKERS = 256;
const MAX_SIZE = 2 ** 31 - 1;
/** GPUs of one worker; more is a typing error. */
const MAX_PARALLEL = 64;
const MAX_PORT = 65_535;

const size = whole(1, MAX_SIZE);
const parallel = whole(1, MAX_PARALLEL);

export const serverOptions = v.strictObject({
  workers: v.pipe(
    v.optional(whole(1, MAX_WORKERS)),
    v.description("Servers to start; default: as many as the GPUs hold, at most 8"),
    v.metadata({ aliases: ["num-workers"] }),
  ),
  prefillWorkers: v.pipe(
    v.optional(whole(1, MAX_WORKERS)),
    v.description("Workers for prefill alone, in place of --workers; with --router dynamo"),
  ),
  decodeWorkers: v.pipe(
    v.optional(whole(1, MAX_WORKERS)),
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
    v.description("Model name that requests must use; default: --model-path"),
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
    v.optional(whole(0, 1024), 0),
    v.description(
      "How many GPUs at the start of the list to leave out; worker-0 gets the next ones",
    ),
    v.metadata({ aliases: ["base-gpu-offset"] }),
  ),
  blockSize: v.pipe(v.optional(size, 64), v.description("Tokens per KV block")),
  kvBlocks: v.pipe(
    v.optional(size),
    v.description("KV blocks per server; default: as many as the engine finds room for"),
  ),
  maxModelLen: v.pipe(
    v.optional(size, 32_768),
    v.description("Most tokens of prompt and answer together"),
  ),
  maxNumBatchedTokens: v.pipe(
    v.optional(size, 16_384),
    v.description("Most tokens that a step computes"),
  ),
  maxNumSeqs: v.pipe(
    v.optional(size),
    v.description("Most sequences in a batch; default: the engine's own"),
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
    v.description(
      "Environment variables of the servers, NAME=VALUE; NAME alone takes the value of this shell",
    ),
  ),
  launch: v.pipe(
    v.optional(text),
    v.description(
      'Start through another program: "ssh gpu7 {command}", "docker run -i … {command}"',
    ),
  ),
  workerHost: v.pipe(
    v.optional(text, "127.0.0.1"),
    v.description("Host where the servers are reached: with --launch ssh the name of that machine"),
  ),
  firstPort: v.pipe(
    v.optional(whole(1, MAX_PORT)),
    v.description(
      "Port of worker-0, the next workers have the next ports; default: free ports, on another machine 8100",
    ),
  ),
  readyLimitS: v.pipe(
    v.optional(within(1, 86_400), 1800),
    v.description("Seconds within which a server must load the model and answer a first request"),
  ),
});

export type ServerOptions = v.InferOutput<typeof serverOptions>;

/** Faults of all such engines. */
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
  if (kvBlocks !== undefined) faults.push(...fitFaults({ kvBlocks, blockSize, maxModelLen }));
  return faults;
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
    const message = "makes ranks that Dynamo's frontend distinguishes and its answers do not";
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
