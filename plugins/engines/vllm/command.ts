/**
 * The commands and environments of vLLM: `vllm serve`, and `python -m dynamo.vllm` on Dynamo's plane.
 * Pure. Flags that the installed vLLM does not have are left out, and so is each that the user
 * gives after `--`. Checked against vLLM 0.31 to 0.33 (`vllm serve --help=all`) and Dynamo
 * 1.6.1, whose help lists vLLM's flags beside its own.
 */
import { given } from "dynbench";
import type { WorkerRole } from "dynbench/engine";
import {
  flagsFor,
  isLoopback,
  refuseOwn,
  several,
  some,
} from "../../shared/model-servers/flags.ts";
import {
  DYNAMO_TOPIC,
  kvEventsFlag,
  publishesEvents,
} from "../../shared/model-servers/kv-events.ts";
import type {
  DynamoWorker,
  ServerCommand,
  ServerPlacement,
} from "../../shared/model-servers/server-kind.ts";
import type { ServerOptions } from "../../shared/model-servers/server-options.ts";

export const DYNAMO_MODULE = "dynamo.vllm";

/** How a server is started: `vllm serve`, or the module where the command is broken. */
export const PROGRAM_MODULES = {
  // What the `vllm` command runs; by this module it is certainly the vLLM of this Python.
  serve: ["-m", "vllm.entrypoints.cli.main", "serve"],
  api_server: ["-m", "vllm.entrypoints.openai.api_server"],
} as const;

/** Flags that dynbench sets for each server, so that the user may not set them for all. */
const OWN_FLAGS = ["--model", "--host", "--port", "--kv-events-config", "--served-model-name"];
const OWN_ON_DYNAMO = [
  ...["--model", "--served-model-name", "--kv-events-config", "--namespace", "--endpoint"],
  ...["--discovery-backend", "--request-plane", "--event-plane", "--disaggregation-mode"],
];

export function serverCommand(server: ServerCommand): string[] {
  const { options, program, engineArgs } = server;
  refuseOwn(OWN_FLAGS, engineArgs);
  const isModule = program === "api_server";
  const model = isModule ? ["--model", options.modelPath] : [options.modelPath];
  const start = PROGRAM_MODULES[isModule ? "api_server" : "serve"];
  const flags = flagsFor(wantedFlags(server), server);
  return [options.python, ...start, ...model, ...flags, ...engineArgs];
}

function wantedFlags(server: ServerCommand): string[][] {
  const { options, ports } = server;
  return [
    ["--host", isLoopback(options.workerHost) ? "127.0.0.1" : "0.0.0.0"],
    ["--port", `${ports.http}`],
    ...some("--served-model-name", options.servedModelName),
    ...engineFlags(options),
    ["--enable-prompt-tokens-details"],
    ...(publishesEvents(server) ? [kvEventsFlag(ports, { enable_kv_cache_events: true })] : []),
  ];
}

/** Flags of the engine itself, the same on both planes. */
function engineFlags(options: ServerOptions): string[][] {
  return [
    ...several("--tensor-parallel-size", options.tensorParallelSize),
    ...several("--data-parallel-size", options.dataParallelSize),
    ...(options.enforceEager ? [["--enforce-eager"]] : []),
    ["--max-num-batched-tokens", `${options.maxNumBatchedTokens}`],
    ["--max-model-len", `${options.maxModelLen}`],
    ["--block-size", `${options.blockSize}`],
    ...some("--max-num-seqs", options.maxNumSeqs),
    ...some("--num-gpu-blocks-override", options.kvBlocks),
    ["--enable-prefix-caching"],
  ];
}

export function dynamoCommand(worker: DynamoWorker): string[] {
  const { options, model, servedModelName, ports, engineArgs } = worker;
  refuseOwn(OWN_ON_DYNAMO, engineArgs);
  const names = ["--model", model, "--served-model-name", servedModelName];
  const events = kvEventsFlag(ports, { topic: DYNAMO_TOPIC, enable_kv_cache_events: true });
  const flags = flagsFor([...engineFlags(options), events, ...roleFlags(worker)], worker);
  return [options.python, "-m", DYNAMO_MODULE, ...names, ...flags, ...engineArgs];
}

/**
 * A role and how KV travels between the two. Before `--disaggregation-mode` (Dynamo 1.0) NIXL was the
 * default connector; since then a prefill worker without a transfer config does not start. vLLM 0.31
 * calls "kv_both" with NIXL deprecated; older ones do not look at the role.
 */
function roleFlags({ role, flags }: Pick<DynamoWorker, "role" | "flags">): string[][] {
  if (role === "aggregated") return [];
  if (flags.size > 0 && !flags.has("--disaggregation-mode")) return [[`--is-${role}-worker`]];
  const kvRole = role === "prefill" ? "kv_producer" : "kv_consumer";
  const transfer = { kv_connector: "NixlConnector", kv_role: kvRole };
  return [
    ["--disaggregation-mode", role],
    ["--kv-transfer-config", JSON.stringify(transfer)],
  ];
}

export function serverEnv({ gpus, cpus }: Pick<ServerPlacement, "gpus" | "cpus">) {
  return {
    // Block hashes must agree between servers, also with the algorithms that seed from it.
    PYTHONHASHSEED: "0",
    // Else the engine's inner queues go over the machine's outside address.
    VLLM_HOST_IP: "127.0.0.1",
    VLLM_SERVER_DEV_MODE: "1", // has /reset_prefix_cache
    VLLM_NO_USAGE_STATS: "1",
    ...given({ CUDA_VISIBLE_DEVICES: gpus?.join(","), VLLM_CPU_OMP_THREADS_BIND: cpus }),
  };
}

/** Environment of a worker beside the plane's. */
export function dynamoEnv({
  role,
  transferPort,
  host,
  ...place
}: ServerPlacement & {
  readonly role: WorkerRole;
  /** Where the other role's workers fetch KV; each on a host needs its own. */
  readonly transferPort: number | string;
}): Record<string, string> {
  const transfer = {
    // Else the worker looks for an outside address of the machine.
    VLLM_NIXL_SIDE_CHANNEL_HOST: host,
    VLLM_NIXL_SIDE_CHANNEL_PORT: `${transferPort}`,
  };
  return { ...serverEnv(place), ...(role === "aggregated" ? {} : transfer) };
}
