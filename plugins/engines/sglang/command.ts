/**
 * The commands and environments of SGLang: `python -m sglang.launch_server`, and
 * `python -m dynamo.sglang` on Dynamo's plane. Pure. Flags are those of SGLang 0.5's
 * `docs/advanced_features/server_arguments.md` and Dynamo 1.6.1's `dynamo/sglang/args.py`. Flags
 * that the installed SGLang does not have are left out, and so is each that the user gives after `--`.
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

export const SERVER_MODULE = "sglang.launch_server";
export const DYNAMO_MODULE = "dynamo.sglang";

const OWN_FLAGS = [
  ...["--model-path", "--model", "--host", "--port", "--kv-events-config", "--served-model-name"],
];
const OWN_ON_DYNAMO = [
  ...["--model-path", "--model", "--kv-events-config", "--served-model-name", "--namespace"],
  ...["--endpoint", "--discovery-backend", "--request-plane", "--event-plane"],
  ...["--disaggregation-mode", "--disaggregation-bootstrap-port"],
];

export function serverCommand(server: ServerCommand): string[] {
  const { options, ports, engineArgs } = server;
  refuseOwn(OWN_FLAGS, engineArgs);
  const wanted = [
    ["--host", isLoopback(options.workerHost) ? "127.0.0.1" : "0.0.0.0"],
    ["--port", `${ports.http}`],
    ...some("--served-model-name", options.servedModelName),
    ...engineFlags(options),
    ["--enable-cache-report"],
    ["--enable-metrics"],
    ...(publishesEvents(server) ? [kvEventsFlag(ports, {})] : []),
  ];
  const start = ["-m", SERVER_MODULE, "--model-path", options.modelPath];
  return [options.python, ...start, ...flagsFor(wanted, server), ...engineArgs];
}

export function dynamoCommand(worker: DynamoWorker): string[] {
  const { options, model, servedModelName, ports, role, engineArgs } = worker;
  refuseOwn(OWN_ON_DYNAMO, engineArgs);
  const split = [
    ["--disaggregation-mode", role],
    ["--disaggregation-transfer-backend", "nixl"],
    // Where decode workers ask a prefill worker for a prompt's KV.
    ["--disaggregation-bootstrap-port", `${ports.transfer}`],
  ];
  const wanted = [
    ...engineFlags(options),
    ["--enable-metrics"],
    kvEventsFlag(ports, { topic: DYNAMO_TOPIC }),
    ...(role === "aggregated" ? [] : split),
  ];
  const names = ["--model-path", model, "--served-model-name", servedModelName];
  return [
    ...[options.python, "-m", DYNAMO_MODULE, ...names],
    ...[...flagsFor(wanted, worker), ...engineArgs],
  ];
}

/** Flags of the engine itself. A page is a block; the pool is counted in tokens. */
function engineFlags(options: ServerOptions): string[][] {
  const { kvBlocks, blockSize } = options;
  return [
    ...several("--tensor-parallel-size", options.tensorParallelSize),
    ...several("--data-parallel-size", options.dataParallelSize),
    ...(options.enforceEager ? [["--disable-cuda-graph"]] : []),
    ["--chunked-prefill-size", `${options.maxNumBatchedTokens}`],
    ["--context-length", `${options.maxModelLen}`],
    ["--page-size", `${blockSize}`],
    ...some("--max-running-requests", options.maxNumSeqs),
    ...some("--max-total-tokens", kvBlocks === undefined ? undefined : kvBlocks * blockSize),
  ];
}

export function serverEnv({ gpus }: Pick<ServerPlacement, "gpus">): Record<string, string> {
  return {
    // Page hashes must agree between servers, also in versions that seed from it.
    PYTHONHASHSEED: "0",
    ...given({ CUDA_VISIBLE_DEVICES: gpus?.join(",") }),
  };
}

export function dynamoEnv(place: ServerPlacement & { role: WorkerRole }): Record<string, string> {
  return serverEnv(place);
}
