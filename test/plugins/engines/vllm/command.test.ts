/** Exact commands and environments of vLLM; flags are those in the help of vLLM 0.31 and Dynamo 1.6.1. */
import { describe, expect, test } from "bun:test";
import { v } from "dynbench";
import {
  dynamoCommand,
  dynamoEnv,
  serverCommand,
  serverEnv,
} from "../../../../plugins/engines/vllm/command.ts";
import { publishesEvents } from "../../../../plugins/shared/model-servers/kv-events.ts";
import { flagNames } from "../../../../plugins/shared/model-servers/flags.ts";
import type {
  DynamoWorker,
  ServerCommand,
} from "../../../../plugins/shared/model-servers/server-kind.ts";
import { serverOptions } from "../../../../plugins/shared/model-servers/server-options.ts";

const server = (
  raw: Record<string, unknown> = {},
  change: Partial<ServerCommand> = {},
): ServerCommand => ({
  options: v.parse(serverOptions, raw),
  program: "serve",
  flags: new Set(),
  ports: { http: 8100, kvEvents: 8101, replay: 8102 },
  folder: "/run/engine",
  engineArgs: [],
  ...change,
});

const EVENTS =
  '{"enable_kv_cache_events":true,"publisher":"zmq","endpoint":"tcp://*:8101","replay_endpoint":"tcp://*:8102","topic":""}';

/** The flags of `run_engines.sh`, and those that dynbench needs to observe vLLM. */
const GUIDE = [
  ...["--host", "127.0.0.1", "--port", "8100", "--enforce-eager"],
  ...["--max-num-batched-tokens", "16384", "--max-model-len", "32768", "--block-size", "64"],
  ...["--enable-prefix-caching", "--enable-prompt-tokens-details", "--kv-events-config", EVENTS],
];
const MODEL = "deepseek-ai/DeepSeek-R1-Distill-Llama-8B";

describe("a server's command", () => {
  test("has the guide's defaults", () => {
    expect(serverCommand(server())).toEqual([
      ...["python3", "-m", "vllm.entrypoints.cli.main", "serve", MODEL],
      ...GUIDE,
    ]);
  });

  test("is the module where the command is broken", () => {
    expect(serverCommand(server({}, { program: "api_server" }))).toEqual([
      ...["python3", "-m", "vllm.entrypoints.openai.api_server", "--model", MODEL],
      ...GUIDE,
    ]);
  });

  test("has the chosen options, and everything after -- at its end", () => {
    const raw = {
      ...{ python: "/venv/bin/python", modelPath: "/models/x", servedModelName: "x" },
      ...{ tensorParallelSize: 2, dataParallelSize: 2, blockSize: 16, kvBlocks: 4096 },
      ...{ maxNumSeqs: 64, enforceEager: false, workerHost: "gpu7" },
    };
    expect(serverCommand(server(raw, { engineArgs: ["--dtype", "half"] }))).toEqual([
      ...["/venv/bin/python", "-m", "vllm.entrypoints.cli.main", "serve", "/models/x"],
      ...["--host", "0.0.0.0", "--port", "8100", "--served-model-name", "x"],
      ...["--tensor-parallel-size", "2", "--data-parallel-size", "2"],
      ...["--max-num-batched-tokens", "16384", "--max-model-len", "32768", "--block-size", "16"],
      ...["--max-num-seqs", "64", "--num-gpu-blocks-override", "4096"],
      ...["--enable-prefix-caching", "--enable-prompt-tokens-details", "--dtype", "half"],
    ]);
  });

  test("leaves out flags that the user gives after --, in any spelling", () => {
    const engineArgs = ["--block_size=32", "--no-enable-prefix-caching", "--no-enforce-eager"];
    const command = serverCommand(server({}, { engineArgs }));
    expect(command.filter((word) => /block|prefix|eager/.test(word))).toEqual(engineArgs);
  });

  test("leaves out flags that this vLLM lacks", () => {
    const flags = new Set(["--host", "--port", "--max-model-len", "--block-size"]);
    const command = serverCommand(server({}, { flags }));
    expect([...flagNames(command)]).toEqual([...flags]);
    expect(publishesEvents(server({}, { flags }))).toBe(false);
  });

  test("promises no events where each rank has a cache of its own", () => {
    expect(publishesEvents(server())).toBe(true);
    expect(publishesEvents(server({ dataParallelSize: 2 }))).toBe(false);
  });

  test("refuses after -- flags that differ from server to server", () => {
    const own =
      (...engineArgs: string[]) =>
      () =>
        serverCommand(server({}, { engineArgs }));
    expect(own("--port", "8000")).toThrow("--port after -- is set by dynbench for each server");
    expect(own("--kv-events-config={}")).toThrow("--kv-events-config after --");
  });
});

describe("a server's environment", () => {
  const base = {
    PYTHONHASHSEED: "0",
    VLLM_HOST_IP: "127.0.0.1",
    VLLM_SERVER_DEV_MODE: "1",
    VLLM_NO_USAGE_STATS: "1",
  };

  test("has its GPUs, or its cores", () => {
    expect(serverEnv({ gpus: ["2", "3"], cpus: undefined })).toEqual({
      ...base,
      CUDA_VISIBLE_DEVICES: "2,3",
    });
    expect(serverEnv({ gpus: undefined, cpus: "0-1" })).toEqual({
      ...base,
      VLLM_CPU_OMP_THREADS_BIND: "0-1",
    });
  });
});

const worker = (
  raw: Record<string, unknown> = {},
  change: Partial<DynamoWorker> = {},
): DynamoWorker => ({
  options: v.parse(serverOptions, raw),
  ...{ role: "aggregated", model: "/models/x", servedModelName: "x" },
  ...{
    flags: new Set<string>(),
    ports: { kvEvents: 8101, replay: 8102, transfer: 8103 },
    engineArgs: [],
  },
  ...{ folder: "/run/engine", host: "127.0.0.1" },
  ...change,
});

const DYNAMO_EVENTS =
  '{"enable_kv_cache_events":true,"publisher":"zmq","endpoint":"tcp://*:8101","replay_endpoint":"tcp://*:8102","topic":"kv-events"}';
const ON_DYNAMO = [
  ...["python3", "-m", "dynamo.vllm", "--model", "/models/x", "--served-model-name", "x"],
  ...["--enforce-eager", "--max-num-batched-tokens", "16384", "--max-model-len", "32768"],
  ...["--block-size", "64", "--enable-prefix-caching", "--kv-events-config", DYNAMO_EVENTS],
];

describe("a worker's command on Dynamo's plane", () => {
  test("has the guide's defaults and its KV events, without which Dynamo publishes none", () => {
    expect(dynamoCommand(worker())).toEqual(ON_DYNAMO);
  });

  test("names its role and the KV transfer, each side with its part", () => {
    expect(dynamoCommand(worker({}, { role: "prefill" }))).toEqual([
      ...[...ON_DYNAMO, "--disaggregation-mode", "prefill", "--kv-transfer-config"],
      '{"kv_connector":"NixlConnector","kv_role":"kv_producer"}',
    ]);
    expect(dynamoCommand(worker({}, { role: "decode" })).at(-1)).toBe(
      '{"kv_connector":"NixlConnector","kv_role":"kv_consumer"}',
    );
  });

  test("of a Dynamo before 1.0 has the older flag of its role, and uses NIXL by default", () => {
    const flags = new Set(["--is-prefill-worker", "--is-decode-worker", "--kv-transfer-config"]);
    const command = dynamoCommand(worker({}, { role: "prefill", flags }));
    expect(command.slice(7)).toEqual(["--is-prefill-worker"]);
  });

  test("leaves the transfer to flags after --", () => {
    const engineArgs = ["--kv-transfer-config", '{"kv_connector":"LMCacheConnectorV1"}'];
    const command = dynamoCommand(worker({}, { role: "decode", engineArgs }));
    expect(command.slice(-4)).toEqual(["--disaggregation-mode", "decode", ...engineArgs]);
  });

  test("refuses after -- flags that place it on the plane", () => {
    const engineArgs = ["--request-plane=nats"];
    expect(() => dynamoCommand(worker({}, { engineArgs }))).toThrow("--request-plane after --");
  });
});

test("only split workers have a port for KV transfers, on loopback", () => {
  const of = { gpus: ["2", "3"], cpus: undefined, host: "127.0.0.1" };
  const plain = dynamoEnv({ ...of, role: "aggregated", transferPort: 8103 });
  expect(plain).toMatchObject({ CUDA_VISIBLE_DEVICES: "2,3", PYTHONHASHSEED: "0" });
  expect(Object.keys(plain).some((name) => name.includes("NIXL"))).toBe(false);
  expect(dynamoEnv({ ...of, role: "decode", transferPort: 8103 })).toMatchObject({
    VLLM_NIXL_SIDE_CHANNEL_HOST: "127.0.0.1",
    VLLM_NIXL_SIDE_CHANNEL_PORT: "8103",
  });
});
