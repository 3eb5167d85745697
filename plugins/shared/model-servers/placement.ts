/** Which GPUs, cores and ports each server gets, and how many servers there are. */
import { DynbenchError } from "dynbench";
import {
  freePorts,
  GPU_QUERY,
  launched,
  mustBeFree,
  parseGpus,
  placeOnGpus,
  runForeign,
  visibleGpus,
  type Gpu,
  type StartContext,
} from "dynbench/engine";
import { isLoopback } from "./flags.ts";
import { GUIDE_WORKERS, workersWanted, type ServerOptions } from "./server-options.ts";

/** nvidia-smi without persistence mode wakes every GPU. */
const GPU_QUERY_LIMIT_MS = 60_000;
/** Where servers on another machine start to listen; which ports are free there is not known here. */
const REMOTE_FIRST_PORT = 8100;

export interface Placement {
  /** One entry a server; undefined where none gets GPUs. */
  readonly gpus: readonly (readonly string[] | undefined)[];
  readonly notes: readonly string[];
}

/** The GPUs where the servers will run; none where there is no nvidia-smi. */
export async function findGpus(
  options: ServerOptions,
  env: Readonly<Record<string, string>>,
  context: Pick<StartContext, "processes" | "signal">,
): Promise<Gpu[]> {
  let lines: readonly string[];
  try {
    const start = launched(options.launch, { command: GPU_QUERY, env: {} });
    const task = { name: "nvidia-smi", ...start, limitMs: GPU_QUERY_LIMIT_MS };
    ({ lines } = await runForeign(context.processes, { ...task, signal: context.signal }));
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof DynbenchError) return []; // it is not installed
    throw error;
  }
  const here = options.launch === undefined ? process.env.CUDA_VISIBLE_DEVICES : undefined;
  return visibleGpus(parseGpus(lines), env.CUDA_VISIBLE_DEVICES ?? here);
}

/** Pure. Throws when there are too few GPUs. */
export function placeServers(
  options: ServerOptions,
  at: { readonly gpus: readonly Gpu[]; readonly isCpuBuild: boolean },
): Placement {
  const { gpuOffset: offset, tensorParallelSize, dataParallelSize } = options;
  const workers = workersWanted(options);
  const gpusPerWorker = tensorParallelSize * dataParallelSize;
  if (at.isCpuBuild) {
    const note = "This engine computes on the CPU: figures are those of a test, not of a GPU";
    return { gpus: Array.from({ length: workers ?? 1 }, () => undefined), notes: [note] };
  }
  if (at.gpus.length === 0) {
    throw new DynbenchError("start", "Cannot place the servers: no NVIDIA GPU was found", {
      hint: "Check nvidia-smi; without a GPU use --engine mocker, or a CPU build of vLLM",
    });
  }
  const wish = { workers, mostWorkers: GUIDE_WORKERS, gpusPerWorker, offset };
  const gpus = placeOnGpus(at.gpus, wish);
  const sets = gpus.map((set) => set.join(",")).join(" ");
  const share = gpusPerWorker === 1 ? "a GPU each" : `${gpusPerWorker} GPUs each`;
  const servers = gpus.length === 1 ? "1 server" : `${gpus.length} servers`;
  return { gpus, notes: [`${servers}, ${share}: ${sets}`] };
}

/** Cores for each server of a CPU build; without them all servers would take the first ones. Pure. */
export function coresOf(server: number, of: { servers: number; cores: number }): string {
  const each = Math.max(1, Math.floor(of.cores / of.servers));
  const first = (server * each) % of.cores;
  return each === 1 ? `${first}` : `${first}-${first + each - 1}`;
}

export interface Ports {
  readonly http: number;
  readonly kvEvents: number;
  readonly replay: number;
}

/** Each server's ports: HTTP, then KV events and replay. Throws where one is taken. */
export function portsOf(options: ServerOptions, servers: number): Ports[] {
  const each = 3;
  const isHere = isLoopback(options.workerHost);
  const first = options.firstPort ?? (isHere ? undefined : REMOTE_FIRST_PORT);
  const ports =
    first === undefined
      ? freePorts(servers * each)
      : Array.from({ length: servers * each }, (_, i) => first + i);
  if (first !== undefined && isHere) {
    mustBeFree(
      ports,
      `Each server needs ${each} ports from --first-port on; choose another, or leave it out`,
    );
  }
  return Array.from({ length: servers }, (_, server) => {
    const [http, kvEvents, replay] = ports.slice(server * each);
    return { http: http!, kvEvents: kvEvents!, replay: replay! };
  });
}
