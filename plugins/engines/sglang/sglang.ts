/**
 * SGLang servers as workers: `python -m sglang.launch_server` once for each, or
 * `python -m dynamo.sglang` on Dynamo's plane. Paths are those of SGLang 0.5's
 * `python/sglang/srt/entrypoints/http_server.py`.
 */
import { defineEngine, v } from "dynbench";
import { fetchControlJson } from "dynbench/engine";
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
  SERVER_MODULE,
  serverCommand,
  serverEnv,
} from "./command.ts";
import { explainSglang } from "./log-reasons.ts";

/** It answers 400 while requests run or wait. */
const RESET = { path: "/flush_cache", busy: { status: 400 } };

const kind: ServerKind = {
  title: "SGLang",
  distributions: ["sglang"],
  programs: [{ name: "launch_server", help: ["-m", SERVER_MODULE, "--help"] }],
  sizeFlags: {
    blockSize: "--page-size",
    kvBlocks: "--max-total-tokens",
    maxModelLen: "--context-length",
  },
  lacks: (version, flags) => missingReports(`SGLang ${version}`, flags, "--enable-cache-report"),
  command: serverCommand,
  env: serverEnv,
  explain: explainSglang,
  ask,
  resetCache: (url, signal) => resetAt(url, RESET, signal),
  onDynamo: { module: DYNAMO_MODULE, command: dynamoCommand, env: dynamoEnv },
};

export const sglang = defineEngine({
  name: "sglang",
  summary: "SGLang servers, started on this machine's GPUs or through ssh or a container",
  ...serverEngine(kind),
});

/** The fields of `/server_info` that are read; before 0.5.4 it was called `/get_server_info`. */
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
  return {
    blockSize,
    hint: "Neither /server_info nor /get_server_info answers: use SGLang 0.5",
    ...(pool && blockSize ? { kvBlocks: Math.floor(pool / blockSize) } : {}),
    ...(info?.context_length ? { maxModelLen: info.context_length } : {}),
    ...(info?.version ? { version: info.version } : {}),
    ...(publishesEvents({ options, flags }) ? { kvEvents: publishedAt(host, ports) } : {}),
    metricsUrl: `${url}/metrics`,
  };
}
