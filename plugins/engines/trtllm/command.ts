/**
 * The commands, configuration and environments of TensorRT-LLM: `trtllm-serve`, and
 * `python -m dynamo.trtllm` on Dynamo's plane. Pure. Flags are those of TensorRT-LLM 1.2's
 * `tensorrt_llm/commands/serve.py` and Dynamo 1.6.1's `dynamo/trtllm/backend_args.py`. Flags
 * that the installed TensorRT-LLM does not have are left out, and so is each that the user gives after `--`.
 */
import { given } from "dynbench";
import { join } from "node:path";
import type { WorkerRole } from "dynbench/engine";
import {
  flagsFor,
  flagValue,
  isLoopback,
  refuseOwn,
  several,
  some,
} from "../../shared/model-servers/flags.ts";
import type {
  DynamoWorker,
  ServerCommand,
  ServerPlacement,
} from "../../shared/model-servers/server-kind.ts";
import type { ServerOptions } from "../../shared/model-servers/server-options.ts";

/** What the command `trtllm-serve` runs; by this module it is certainly that of this Python. */
export const SERVER_MODULE = "tensorrt_llm.commands.serve";
export const DYNAMO_MODULE = "dynamo.trtllm";

/** Events that the server keeps until they are fetched, as many as Dynamo sets; by default it keeps none. */
const EVENT_BUFFER = 100_000;

const OWN_FLAGS = ["--host", "--port", "--config", "--extra_llm_api_options"];
const OWN_ON_DYNAMO = [
  ...["--model-path", "--model", "--served-model-name", "--namespace", "--endpoint"],
  ...["--discovery-backend", "--request-plane", "--event-plane", "--disaggregation-mode"],
  ...["--extra-engine-args", "--publish-kv-events", "--publish-events-and-metrics"],
];

export function serverCommand(server: ServerCommand): string[] {
  const { options, flags, ports, folder, engineArgs } = server;
  refuseOwn(OWN_FLAGS, engineArgs);
  // Its older name; both are taken where `--config` is known.
  const config = flags.size === 0 || flags.has("--config") ? "--config" : "--extra_llm_api_options";
  const wanted = [
    ["--host", isLoopback(options.workerHost) ? "127.0.0.1" : "0.0.0.0"],
    ["--port", `${ports.http}`],
    ["--backend", "pytorch"],
    ...several("--tp_size", options.tensorParallelSize),
    ["--max_num_tokens", `${options.maxNumBatchedTokens}`],
    ["--max_seq_len", `${options.maxModelLen}`],
    ...some("--max_batch_size", options.maxNumSeqs),
    [config, join(folder, fileOf("aggregated"))],
  ];
  const start = ["-m", SERVER_MODULE, "serve", options.modelPath];
  return [options.python, ...start, ...flagsFor(wanted, server), ...engineArgs];
}

export function dynamoCommand(worker: DynamoWorker): string[] {
  const { options, model, servedModelName, role, flags, folder, engineArgs } = worker;
  refuseOwn(OWN_ON_DYNAMO, engineArgs);
  // Until Dynamo 1.4 one flag for both.
  const publishes =
    flags.size === 0 || flags.has("--publish-kv-events")
      ? "--publish-kv-events"
      : "--publish-events-and-metrics";
  const wanted = [
    ...several("--tensor-parallel-size", options.tensorParallelSize),
    ["--max-num-tokens", `${options.maxNumBatchedTokens}`],
    ["--max-seq-len", `${options.maxModelLen}`],
    ...some("--max-batch-size", options.maxNumSeqs),
    ["--kv-block-size", `${options.blockSize}`],
    ["--extra-engine-args", join(folder, fileOf(role))],
    [publishes],
    ...(role === "aggregated" ? [] : [["--disaggregation-mode", role]]),
  ];
  const names = ["--model-path", model, "--served-model-name", servedModelName];
  const start = ["-m", DYNAMO_MODULE, ...names];
  return [options.python, ...start, ...flagsFor(wanted, worker), ...engineArgs];
}

const ROLES: readonly WorkerRole[] = ["aggregated", "prefill", "decode"];

function fileOf(role: WorkerRole): string {
  return `trtllm-${role}.yaml`;
}

/** Settings for which there is no flag, by file name. JSON is YAML. */
export function configFiles(
  options: ServerOptions,
  engineArgs: readonly string[],
): Record<string, string> {
  const roles = ROLES.filter((role) => (role === "aggregated") !== isSplit(options));
  return Object.fromEntries(
    roles.map((role) => [fileOf(role), JSON.stringify(configOf(role, options, engineArgs))]),
  );
}

function isSplit({ prefillWorkers }: ServerOptions): boolean {
  return prefillWorkers !== undefined;
}

function configOf(role: WorkerRole, options: ServerOptions, engineArgs: readonly string[]): object {
  const { blockSize, kvBlocks } = options;
  // A cache config in the file replaces the one that flags make, so their values go into it.
  const share = MEMORY_FLAGS.map((flag) => flagValue(engineArgs, flag)).find(
    (value) => value !== undefined,
  );
  return {
    kv_cache_config: {
      enable_block_reuse: true,
      tokens_per_block: blockSize,
      event_buffer_max_size: EVENT_BUFFER,
      ...given({
        max_tokens: kvBlocks && kvBlocks * blockSize,
        free_gpu_memory_fraction: share === undefined ? undefined : Number(share),
      }),
    },
    enable_chunked_prefill: true,
    // The statistics have the size of the KV cache.
    enable_iter_perf_stats: true,
    return_perf_metrics: true,
    ...(options.enforceEager ? { cuda_graph_config: null } : {}),
    // As in Dynamo's recipes for split workers.
    ...(role === "aggregated" ? {} : { cache_transceiver_config: { backend: "DEFAULT" } }),
    ...(role === "prefill" ? { disable_overlap_scheduler: true } : {}),
  };
}

const MEMORY_FLAGS = [
  ...["--free_gpu_memory_fraction", "--kv_cache_free_gpu_memory_fraction"],
  "--free-gpu-memory-fraction",
];

export function serverEnv({ gpus }: Pick<ServerPlacement, "gpus">): Record<string, string> {
  return given({ CUDA_VISIBLE_DEVICES: gpus?.join(",") });
}
