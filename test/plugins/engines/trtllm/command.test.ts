/** Exact commands and configuration of TensorRT-LLM, checked against its documented flags. */
import { describe, expect, test } from "bun:test";
import { v } from "dynbench";
import {
  configFiles,
  dynamoCommand,
  serverCommand,
} from "../../../../plugins/engines/trtllm/command.ts";
import { explainTrtllm } from "../../../../plugins/engines/trtllm/log-reasons.ts";
import { trtllm } from "../../../../plugins/engines/trtllm/trtllm.ts";
import { flagNames } from "../../../../plugins/shared/model-servers/flags.ts";
import type {
  DynamoWorker,
  ServerCommand,
} from "../../../../plugins/shared/model-servers/server-kind.ts";
import { serverOptions } from "../../../../plugins/shared/model-servers/server-options.ts";
import {
  DOCUMENTED,
  DYNAMO_TRTLLM_FLAGS,
  OOM_LINE,
} from "../../shared/model-servers/documented.ts";

const options = (raw: object = {}) => v.parse(serverOptions, { modelPath: "/models/x", ...raw });
const common = { flags: new Set<string>(), folder: "/run/engine", engineArgs: [] };
const server = (raw: object = {}, change: Partial<ServerCommand> = {}): ServerCommand => ({
  ...{ ...common, options: options(raw), program: "trtllm-serve" },
  ports: { http: 8100, kvEvents: 8101, replay: 8102 },
  ...change,
});
const worker = (raw: object = {}, change: Partial<DynamoWorker> = {}): DynamoWorker => ({
  ...{ ...common, options: options(raw), role: "aggregated", host: "127.0.0.1" },
  ...{ model: "/models/x", servedModelName: "x" },
  ports: { kvEvents: 8101, replay: 8102, transfer: 8103 },
  ...change,
});

test("a server has the guide's defaults and the configuration that is written for it", () => {
  expect(serverCommand(server({ tensorParallelSize: 2, maxNumSeqs: 64 }))).toEqual([
    ...["python3", "-m", "tensorrt_llm.commands.serve", "serve", "/models/x"],
    ...["--host", "127.0.0.1", "--port", "8100", "--backend", "pytorch", "--tp_size", "2"],
    ...["--max_num_tokens", "16384", "--max_seq_len", "32768", "--max_batch_size", "64"],
    ...["--config", "/run/engine/trtllm-aggregated.yaml"],
  ]);
});

test("an older server gets its configuration under its older name", () => {
  const flags = new Set(["--host", "--port", "--extra_llm_api_options"]);
  expect(serverCommand(server({}, { flags })).slice(-2)).toEqual([
    ...["--extra_llm_api_options", "/run/engine/trtllm-aggregated.yaml"],
  ]);
});

test("arguments after -- replace dynbench's, with dashes too; a second configuration is refused", () => {
  const engineArgs = ["--max-seq-len", "400"];
  const command = serverCommand(server({}, { engineArgs }));
  expect(command).not.toContain("--max_seq_len");
  expect(command.slice(-2)).toEqual(engineArgs);
  const second = server({}, { engineArgs: ["--config", "mine.yaml"] });
  expect(() => serverCommand(second)).toThrow("--config after -- is set by dynbench");
});

describe("configuration", () => {
  const read = (raw: object, name: string, ...engineArgs: string[]) =>
    JSON.parse(configFiles(options(raw), engineArgs)[name]!);

  test("switches reuse and events on, and sizes the cache", () => {
    expect(read({ kvBlocks: 1000, blockSize: 32 }, "trtllm-aggregated.yaml")).toEqual({
      kv_cache_config: {
        ...{ enable_block_reuse: true, tokens_per_block: 32, event_buffer_max_size: 100_000 },
        max_tokens: 32_000,
      },
      ...{ enable_chunked_prefill: true, enable_iter_perf_stats: true, return_perf_metrics: true },
      cuda_graph_config: null,
    });
  });

  test("takes over a share of memory given as a flag, which it would otherwise override", () => {
    for (const flag of ["--free_gpu_memory_fraction", "--kv_cache_free_gpu_memory_fraction"]) {
      const { kv_cache_config: cache } = read({}, "trtllm-aggregated.yaml", flag, "0.7");
      expect(cache.free_gpu_memory_fraction).toBe(0.7);
    }
  });

  test("is one for each role where workers are split", () => {
    const split = { prefillWorkers: 1, decodeWorkers: 1 };
    expect(Object.keys(configFiles(options(split), []))).toEqual([
      ...["trtllm-prefill.yaml", "trtllm-decode.yaml"],
    ]);
    const transceiver = { cache_transceiver_config: { backend: "DEFAULT" } };
    expect(read(split, "trtllm-prefill.yaml")).toMatchObject({
      ...transceiver,
      disable_overlap_scheduler: true,
    });
    expect(read(split, "trtllm-decode.yaml")).toMatchObject(transceiver);
  });
});

describe("on Dynamo's plane", () => {
  test("a worker has its names, block size, configuration and events", () => {
    expect(dynamoCommand(worker())).toEqual([
      ...["python3", "-m", "dynamo.trtllm", "--model-path", "/models/x"],
      ...["--served-model-name", "x", "--max-num-tokens", "16384", "--max-seq-len", "32768"],
      ...["--kv-block-size", "64", "--extra-engine-args", "/run/engine/trtllm-aggregated.yaml"],
      "--publish-kv-events",
    ]);
  });

  test("a split worker has its role, an older one its older flag for events", () => {
    expect(dynamoCommand(worker({}, { role: "decode" })).slice(-5)).toEqual([
      ...["--extra-engine-args", "/run/engine/trtllm-decode.yaml", "--publish-kv-events"],
      ...["--disaggregation-mode", "decode"],
    ]);
    const flags = new Set(["--publish-events-and-metrics"]);
    expect(dynamoCommand(worker({}, { flags })).slice(7)).toEqual(["--publish-events-and-metrics"]);
  });
});

test("every flag in use is documented", () => {
  const raw = { tensorParallelSize: 2, maxNumSeqs: 64 };
  const unknown = (command: string[], documented: readonly string[]) =>
    command.filter((word) => word.startsWith("--") && !documented.includes(word));
  expect(unknown(serverCommand(server(raw)), DOCUMENTED["tensorrt-llm"].flags)).toEqual([]);
  const split = worker(raw, { role: "prefill" });
  expect(unknown(dynamoCommand(split), DYNAMO_TRTLLM_FLAGS)).toEqual([]);
  expect([...flagNames(["--max_seq_len=1"])]).toEqual(["--max-seq-len"]);
});

test("what trtllm-serve has no flag for is a fault of the plan, but not for Dynamo's worker", () => {
  const raw = { launch: "ssh gpu7 {command}", dataParallelSize: 2, servedModelName: "x" };
  const paths = (plane: "http" | "dynamo", given: object) =>
    trtllm.check!(options(given), { name: "kv", plane }).map(({ path }) => path);
  expect(paths("http", raw)).toEqual(["launch", "dataParallelSize", "servedModelName"]);
  expect(paths("dynamo", { servedModelName: "x" })).toEqual([]);
});

describe("logs", () => {
  const cases = [
    [OOM_LINE, "CUDA out of memory", "-- --free_gpu_memory_fraction 0.8"],
    [
      "[TRT-LLM] [E] CUDA runtime error in cudaMalloc(ptr, n): out of memory",
      "CUDA out of memory",
      "--max-num-batched-tokens",
    ],
    [
      "RuntimeError: Failed to bind socket to 127.0.0.1:8100: [Errno 98]",
      "another program has 127.0.0.1:8100",
      "--first-port",
    ],
    [
      "Error: No such option: --page-size",
      "this TensorRT-LLM does not know --page-size",
      "after --",
    ],
  ];
  for (const [line, what, hint] of cases) {
    test(line!, () => {
      const found = explainTrtllm(["loading", line!]);
      expect(found?.what).toBe(what);
      expect(found?.hint).toContain(hint);
    });
  }
});
