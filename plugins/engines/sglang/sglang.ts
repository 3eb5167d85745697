/**
 * SGLang servers as workers: `python -m sglang.launch_server` once for each, or
 * `python -m dynamo.sglang` on Dynamo's plane. Paths are those of SGLang 0.5's
 * `python/sglang/srt/entrypoints/http_server.py`.
 */
import { defineEngine, given, messageOf, v } from "dynbench";
import { fetchControl, fetchControlJson } from "dynbench/engine";
import { publishesEvents } from "../../shared/model-servers/kv-events.ts";
import { plannedServers, serverLimits } from "../../shared/model-servers/planned.ts";
import { resetPatiently, type ResetTry } from "../../shared/model-servers/reset-cache.ts";
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
  SERVER_MODULE,
  serverCommand,
  serverEnv,
} from "./command.ts";
import { explainSglang } from "./log-reasons.ts";

const DISTRIBUTIONS = ["sglang"] as const;

const kind: ServerKind = {
  title: "SGLang",
  distributions: DISTRIBUTIONS,
  programs: [{ name: "launch_server", help: ["-m", SERVER_MODULE, "--help"] }],
  sizeFlags: {
    blockSize: "--page-size",
    kvBlocks: "--max-total-tokens",
    maxModelLen: "--context-length",
  },
  lacks: (version, flags) => [
    ...(flags.has("--kv-events-config")
      ? []
      : [`SGLang ${version} publishes no KV events: use --router kv-approx, or a newer SGLang`]),
    ...(flags.has("--enable-cache-report")
      ? []
      : [`SGLang ${version} does not tell cached tokens: hit shares stay unknown`]),
  ],
  command: serverCommand,
  env: serverEnv,
  explain: explainSglang,
  ask,
  resetCache,
  onDynamo: { module: DYNAMO_MODULE, command: dynamoCommand, env: dynamoEnv },
};

export const sglang = defineEngine({
  name: "sglang",
  summary: "SGLang servers, started on this machine's GPUs or through ssh or a container",
  options: serverOptions,
  planes: ["http", "dynamo"],
  splitsOn: ["dynamo"],
  needs: [{ packages: DISTRIBUTIONS, install: "pip install sglang" }],
  takesArguments: true,
  check: checkServers,
  limits: serverLimits,
  processes: (options, plane) => plannedServers(kind, options, plane),
  start: startServers(kind),
});

/** What `/server_info` has of interest; before 0.5.4 it was called `/get_server_info`. */
const Info = v.looseObject({
  page_size: v.nullish(v.number()),
  max_total_num_tokens: v.nullish(v.number()),
  context_length: v.nullish(v.number()),
  version: v.nullish(v.string()),
});

async function ask({
  url,
  host,
  ports,
  options,
  flags,
  request,
}: AskedServer): Promise<ServerFacts> {
  const answer =
    (await optional(() => fetchControlJson(`${url}/server_info`, request))) ??
    (await optional(() => fetchControlJson(`${url}/get_server_info`, request)));
  const info = v.is(Info, answer) ? answer : undefined;
  const blockSize = info?.page_size ?? undefined;
  const pool = info?.max_total_num_tokens;
  const at = (port: number): string => `tcp://${host}:${port}`;
  const kvEvents = {
    ...{ endpoint: at(ports.kvEvents), replayEndpoint: at(ports.replay), topic: KV_EVENTS_TOPIC },
  };
  return {
    blockSize,
    hint: "Neither /server_info nor /get_server_info answers: use SGLang 0.5",
    ...(pool && blockSize ? { kvBlocks: Math.floor(pool / blockSize) } : {}),
    ...(info?.context_length ? { maxModelLen: info.context_length } : {}),
    ...(info?.version ? { version: info.version } : {}),
    ...(publishesEvents({ options, flags }) ? { kvEvents } : {}),
    metricsUrl: `${url}/metrics`,
  };
}

/** SGLang answers 400 while requests run or wait. */
function resetCache(url: string, signal?: AbortSignal): Promise<boolean> {
  const request = { method: "POST", ...given({ signal }) } as const;
  return resetPatiently(url, async (): Promise<ResetTry> => {
    try {
      await fetchControl(`${url}/flush_cache`, request);
      return "done";
    } catch (error) {
      const told = messageOf(error);
      if (/status 40[45]/.test(told)) return "absent";
      if (/status 400/.test(told)) return "busy";
      throw error;
    }
  });
}
