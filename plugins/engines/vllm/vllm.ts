/**
 * vLLM servers as workers: `vllm serve` once for each, behind our routers or any other that speaks
 * OpenAI's API; `python -m dynamo.vllm` on Dynamo's plane. What is checked before they start is what
 * would else be found minutes later.
 */
import { defineEngine, type PlannedProcess } from "dynbench";
import { startCluster } from "./cluster.ts";
import { serverCommand, serverEnv } from "./command.ts";
import { DISTRIBUTIONS } from "./installation.ts";
import { startDynamoCluster } from "./dynamo-cluster.ts";
import { dynamoCommand, dynamoEnv } from "./dynamo-command.ts";
import {
  checkVllm,
  environmentOf,
  GUIDE_WORKERS,
  rosterOf,
  vllmOptions,
  workersWanted,
  type VllmOptions,
} from "./vllm-options.ts";

export const vllm = defineEngine({
  name: "vllm",
  summary: "vLLM servers, started on this machine's GPUs or through ssh or a container",
  options: vllmOptions,
  planes: ["http", "dynamo"],
  splitsOn: ["dynamo"],
  needs: [{ packages: DISTRIBUTIONS, install: "pip install vllm" }],
  takesArguments: true,
  check: checkVllm,
  limits: ({ blockSize, kvBlocks, maxModelLen, maxNumBatchedTokens, maxNumSeqs, ...options }) => ({
    workers:
      workersWanted({ ...options, blockSize, maxModelLen, maxNumBatchedTokens }) ?? GUIDE_WORKERS,
    ...(options.prefillWorkers === undefined ? {} : { prefillWorkers: options.prefillWorkers }),
    ...{ blockSize, maxModelLen, maxNumBatchedTokens },
    ...(kvBlocks === undefined ? {} : { kvBlocks }),
    ...(maxNumSeqs === undefined ? {} : { maxNumSeqs }),
  }),
  processes: (options, plane) =>
    plane === "dynamo" ? plannedOnDynamo(options) : [plannedServer(options)],
  start: (options, plane, context) =>
    plane === "dynamo" ? startDynamoCluster(options, context) : startCluster(options, context),
});

const NOTE = "flags that the vLLM found does not know are left out; everything after -- is added";

function plannedServer(options: VllmOptions): PlannedProcess {
  return {
    name: "worker",
    command: serverCommand({
      options,
      program: "serve",
      flags: new Set(),
      ports: { http: "PORT", kvEvents: "PORT", replay: "PORT" },
      engineArgs: [],
    }),
    env: serverEnv({ gpus: ["…"], cpus: undefined, users: environmentOf(options.env, {}) }),
    ...(options.workers === undefined ? {} : { count: options.workers }),
    note: NOTE,
  };
}

function plannedOnDynamo(options: VllmOptions): PlannedProcess[] {
  const wanted = workersWanted(options);
  const roles = Map.groupBy(rosterOf(options, wanted ?? 1), ({ role }) => role);
  return [...roles].map(([role, { length: count }]) => ({
    name: role === "aggregated" ? "worker" : `${role} worker`,
    command: dynamoCommand({
      ...{ options, role, model: options.modelPath, flags: new Set<string>(), engineArgs: [] },
      servedModelName: options.servedModelName ?? options.modelPath,
      ports: { kvEvents: "PORT", replay: "PORT" },
    }),
    env: dynamoEnv({
      ...{ gpus: ["…"], cpus: undefined, users: environmentOf(options.env, {}) },
      ...{ role, transferPort: "PORT", host: "127.0.0.1" },
    }),
    ...(wanted === undefined ? {} : { count }),
    note: NOTE,
  }));
}
