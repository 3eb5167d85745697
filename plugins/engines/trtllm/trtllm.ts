/**
 * TensorRT-LLM servers as workers: `trtllm-serve` once for each, with a configuration file that is
 * written for them, or `python -m dynamo.trtllm` on Dynamo's plane. Paths are those of
 * TensorRT-LLM 1.2's `tensorrt_llm/serve/openai_server.py`.
 */
import { defineEngine, given, v } from "dynbench";
import { fetchControl, fetchControlJson, type StartContext } from "dynbench/engine";
import { flagValue } from "../../shared/model-servers/flags.ts";
import type {
  AskedServer,
  EventPublisher,
  PublishedServer,
  ServerFacts,
  ServerKind,
} from "../../shared/model-servers/server-kind.ts";
import { checkServers } from "../../shared/model-servers/server-options.ts";
import { optional } from "../../shared/model-servers/server-ready.ts";
import { serverEngine } from "../../shared/model-servers/server-engine.ts";
import {
  configFiles,
  DYNAMO_MODULE,
  dynamoCommand,
  SERVER_MODULE,
  serverCommand,
  serverEnv,
} from "./command.ts";
import { KV_EVENTS_TOPIC, RelayReady, RelayTask, startEventRelay } from "./event-relay.ts";
import { explainTrtllm } from "./log-reasons.ts";

const kind: ServerKind = {
  title: "TensorRT-LLM",
  distributions: ["tensorrt-llm"],
  programs: [{ name: "trtllm-serve", help: ["-m", SERVER_MODULE, "serve", "--help"] }],
  sizeFlags: {
    blockSize: "--kv-block-size",
    kvBlocks: "--kv-blocks",
    maxModelLen: "--max_seq_len",
  },
  files: configFiles,
  command: serverCommand,
  env: serverEnv,
  explain: explainTrtllm,
  ask,
  publishEvents,
  onDynamo: { module: DYNAMO_MODULE, command: dynamoCommand, env: serverEnv },
};

export const trtllm = defineEngine({
  name: "trtllm",
  aliases: ["tensorrt-llm"],
  summary: "TensorRT-LLM servers, started on this machine's GPUs",
  ...serverEngine(kind),
  check: (options, router) => [
    ...checkServers(options, router),
    ...(options.launch === undefined || router.plane === "dynamo"
      ? []
      : [
          {
            path: "launch",
            message: "would start servers on a machine that does not have their configuration file",
            hint: "Run dynbench on that machine, or start the servers by hand and use --engine attach",
          },
        ]),
    ...(options.dataParallelSize === 1 || router.plane === "dynamo"
      ? []
      : [
          {
            path: "dataParallelSize",
            message: "is not possible: trtllm-serve has no flag for it",
            hint: "Start more servers instead: --workers",
          },
        ]),
    ...(options.servedModelName === undefined || router.plane === "dynamo"
      ? []
      : [
          {
            path: "servedModelName",
            message: "cannot be chosen: trtllm-serve names a model after its folder",
            hint: "Leave --served-model-name out",
          },
        ]),
  ],
  serve: (_options, task, context) => startEventRelay(v.parse(RelayTask, task), context),
});

/** The statistics of one iteration, as far as the cache's size needs them. */
const Iteration = v.looseObject({
  kvCacheStats: v.looseObject({ maxNumBlocks: v.number(), tokensPerBlock: v.number() }),
});

/** Each statistic is returned only once, to the first request for it, and comes shortly after the warm-up. */
async function ask({ url, options, engineArgs, request }: AskedServer): Promise<ServerFacts> {
  const [statistics, version, metrics] = await Promise.all([
    optional(() => fetchControlJson(`${url}/metrics`, request)),
    optional(() => fetchControlJson(`${url}/version`, request)),
    optional(() => fetchControl(`${url}/prometheus/metrics`, request)),
  ]);
  const all: unknown[] = Array.isArray(statistics) ? statistics : [];
  const cache = all.filter((each) => v.is(Iteration, each)).at(-1)?.kvCacheStats;
  return {
    // Where it does not report one, it has the one of its configuration file.
    blockSize: cache?.tokensPerBlock ?? options.blockSize,
    maxModelLen: Number(flagValue(engineArgs, "--max_seq_len") ?? options.maxModelLen),
    ...given({ kvBlocks: cache?.maxNumBlocks }),
    ...(v.is(v.looseObject({ version: v.string() }), version) ? { version: version.version } : {}),
    ...(metrics === undefined ? {} : { metricsUrl: `${url}/prometheus/metrics` }),
  };
}

async function publishEvents(
  { id, url, blockSize, options }: PublishedServer,
  { processes, host }: StartContext,
): Promise<EventPublisher> {
  const use = { kind: "engine", name: "trtllm", source: "bundled", options } as const;
  const task: RelayTask = { url, blockSize };
  const child = await processes.startSelf(`kv-events-${id}`, use, task);
  const { eventsPort, replayPort } = v.parse(RelayReady, child.ready);
  return {
    kvEvents: {
      endpoint: `tcp://${host}:${eventsPort}`,
      replayEndpoint: `tcp://${host}:${replayPort}`,
      topic: KV_EVENTS_TOPIC,
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
