/** Exact commands of SGLang, checked against its documented flags. */
import { describe, expect, test } from "bun:test";
import { v } from "dynbench";
import {
  dynamoCommand,
  serverCommand,
  serverEnv,
} from "../../../../plugins/engines/sglang/command.ts";
import { explainSglang } from "../../../../plugins/engines/sglang/log-reasons.ts";
import { flagNames } from "../../../../plugins/shared/model-servers/flags.ts";
import type {
  DynamoWorker,
  ServerCommand,
} from "../../../../plugins/shared/model-servers/server-kind.ts";
import { serverOptions } from "../../../../plugins/shared/model-servers/server-options.ts";
import { DOCUMENTED, OOM_LINE } from "../../shared/model-servers/documented.ts";

const common = { flags: new Set<string>(), folder: "/run/engine", engineArgs: [] };
const server = (raw: object = {}, change: Partial<ServerCommand> = {}): ServerCommand => ({
  ...{ ...common, options: v.parse(serverOptions, { modelPath: "/models/x", ...raw }) },
  ...{ program: "launch_server", ports: { http: 8100, kvEvents: 8101, replay: 8102 } },
  ...change,
});
const worker = (raw: object = {}, change: Partial<DynamoWorker> = {}): DynamoWorker => ({
  ...{ ...common, options: v.parse(serverOptions, raw), role: "aggregated", host: "127.0.0.1" },
  ...{ model: "/models/x", servedModelName: "x" },
  ports: { kvEvents: 8101, replay: 8102, transfer: 8103 },
  ...change,
});

const events = (topic: string): string =>
  `{"publisher":"zmq","endpoint":"tcp://*:8101","replay_endpoint":"tcp://*:8102","topic":"${topic}"}`;
const ENGINE = [
  ...["--disable-cuda-graph", "--chunked-prefill-size", "16384", "--context-length", "32768"],
  ...["--page-size", "64"],
];

test("a server has the guide's defaults, cached tokens, metrics and KV events", () => {
  expect(serverCommand(server())).toEqual([
    ...["python3", "-m", "sglang.launch_server", "--model-path", "/models/x"],
    ...["--host", "127.0.0.1", "--port", "8100", ...ENGINE],
    ...["--enable-cache-report", "--enable-metrics", "--kv-events-config", events("")],
  ]);
});

test("a server has what was chosen: a cache is given in tokens, a name as it is", () => {
  const raw = {
    ...{ tensorParallelSize: 2, kvBlocks: 1000, blockSize: 32, maxNumSeqs: 64 },
    ...{ enforceEager: false, servedModelName: "x", workerHost: "gpu7" },
  };
  expect(serverCommand(server(raw)).slice(5, -4)).toEqual([
    ...["--host", "0.0.0.0", "--port", "8100", "--served-model-name", "x"],
    ...["--tensor-parallel-size", "2", "--chunked-prefill-size", "16384"],
    ...["--context-length", "32768", "--page-size", "32", "--max-running-requests", "64"],
    ...["--max-total-tokens", "32000"],
  ]);
});

test("arguments after -- replace dynbench's, and those that place a server are refused there", () => {
  const engineArgs = ["--page-size=16", "--mem-fraction-static", "0.8"];
  const command = serverCommand(server({}, { engineArgs }));
  expect(command.slice(-3)).toEqual(engineArgs);
  expect(command.filter((word) => word === "--page-size")).toEqual([]);
  expect(() => serverCommand(server({}, { engineArgs: ["--port", "1"] }))).toThrow("--port after");
});

describe("on Dynamo's plane", () => {
  test("a worker has its names, and its KV events on Dynamo's topic", () => {
    expect(dynamoCommand(worker())).toEqual([
      ...["python3", "-m", "dynamo.sglang", "--model-path", "/models/x"],
      ...["--served-model-name", "x", ...ENGINE, "--enable-metrics"],
      ...["--kv-events-config", events("kv-events")],
    ]);
  });

  test("split workers exchange KV by NIXL, each prefill worker asked at a port of its own", () => {
    expect(dynamoCommand(worker({}, { role: "prefill" })).slice(-6)).toEqual([
      ...["--disaggregation-mode", "prefill", "--disaggregation-transfer-backend", "nixl"],
      ...["--disaggregation-bootstrap-port", "8103"],
    ]);
  });
});

test("every flag in use is documented", () => {
  const documented = new Set<string>(DOCUMENTED.sglang.flags);
  const raw = {
    ...{ tensorParallelSize: 2, dataParallelSize: 2, kvBlocks: 1000, maxNumSeqs: 64 },
    servedModelName: "x",
  };
  const all = [
    ...[serverCommand(server(raw)), serverCommand(server())],
    ...[dynamoCommand(worker(raw)), dynamoCommand(worker({}, { role: "decode" }))],
  ];
  expect(all.flatMap((one) => [...flagNames(one)]).filter((flag) => !documented.has(flag))).toEqual(
    [],
  );
});

test("a server sees its GPUs and no others", () => {
  expect(serverEnv({ gpus: ["2", "3"] })).toMatchObject({ CUDA_VISIBLE_DEVICES: "2,3" });
});

describe("logs", () => {
  const cases = [
    [OOM_LINE, "CUDA out of memory", "-- --mem-fraction-static 0.8"],
    [
      "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.",
      "the weights leave no memory for the KV cache",
      "--mem-fraction-static 0.95",
    ],
    [
      "ModuleNotFoundError: No module named 'sglang.srt'",
      "this Python has no sglang.srt",
      "SGLang",
    ],
    ["[Errno 98] address already in use", "another program has its port", "--first-port"],
  ];
  for (const [line, what, hint] of cases) {
    test(what!, () => {
      const found = explainSglang(["loading", line!, "Received sigquit from a child process"]);
      expect(found?.what).toBe(what);
      expect(found?.hint).toContain(hint);
    });
  }
});
