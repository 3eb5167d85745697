/** Commands of vLLM on Dynamo's plane, to the letter; flags are those of Dynamo 1.6.1's help. */
import { describe, expect, test } from "bun:test";
import { v } from "dynbench";
import {
  dynamoCommand,
  dynamoEnv,
  type DynamoWorker,
} from "../../../../plugins/engines/vllm/dynamo-command.ts";
import {
  checkVllm,
  rosterOf,
  vllmOptions,
  workersWanted,
} from "../../../../plugins/engines/vllm/vllm-options.ts";

const worker = (
  raw: Record<string, unknown> = {},
  change: Partial<DynamoWorker> = {},
): DynamoWorker => ({
  options: v.parse(vllmOptions, raw),
  ...{ role: "aggregated", model: "/models/x", servedModelName: "x" },
  ...{ flags: new Set<string>(), ports: { kvEvents: 8101, replay: 8102 }, engineArgs: [] },
  ...change,
});

const EVENTS =
  '{"enable_kv_cache_events":true,"publisher":"zmq","endpoint":"tcp://*:8101","replay_endpoint":"tcp://*:8102","topic":"kv-events"}';
const COMMON = [
  ...["python3", "-m", "dynamo.vllm", "--model", "/models/x", "--served-model-name", "x"],
  ...["--enforce-eager", "--max-num-batched-tokens", "16384", "--max-model-len", "32768"],
  ...["--block-size", "64", "--enable-prefix-caching", "--kv-events-config", EVENTS],
];

describe("a worker's command", () => {
  test("has the guide's defaults and its KV events, without which Dynamo publishes none", () => {
    expect(dynamoCommand(worker())).toEqual(COMMON);
  });

  test("names its role and how KV travels, each side its part of it", () => {
    expect(dynamoCommand(worker({}, { role: "prefill" }))).toEqual([
      ...[...COMMON, "--disaggregation-mode", "prefill", "--kv-transfer-config"],
      '{"kv_connector":"NixlConnector","kv_role":"kv_producer"}',
    ]);
    expect(dynamoCommand(worker({}, { role: "decode" })).at(-1)).toBe(
      '{"kv_connector":"NixlConnector","kv_role":"kv_consumer"}',
    );
  });

  test("of a Dynamo before 1.0 has the flag of its role, and NIXL by itself", () => {
    const flags = new Set(["--is-prefill-worker", "--is-decode-worker", "--kv-transfer-config"]);
    const command = dynamoCommand(worker({}, { role: "prefill", flags }));
    expect(command.slice(7)).toEqual(["--is-prefill-worker"]);
  });

  test("leaves the transfer to what is given after --", () => {
    const engineArgs = ["--kv-transfer-config", '{"kv_connector":"LMCacheConnectorV1"}'];
    const command = dynamoCommand(worker({}, { role: "decode", engineArgs }));
    expect(command.slice(-4)).toEqual(["--disaggregation-mode", "decode", ...engineArgs]);
  });

  test("refuses after -- what places it on the plane", () => {
    const engineArgs = ["--request-plane=nats"];
    expect(() => dynamoCommand(worker({}, { engineArgs }))).toThrow("--request-plane after --");
  });
});

test("only split workers have a port for KV transfers, on loopback", () => {
  const of = { gpus: ["2", "3"], cpus: undefined, users: { HF_HOME: "/m" }, host: "127.0.0.1" };
  const plain = dynamoEnv({ ...of, role: "aggregated", transferPort: 8103 });
  expect(plain).toMatchObject({ CUDA_VISIBLE_DEVICES: "2,3", PYTHONHASHSEED: "0", HF_HOME: "/m" });
  expect(Object.keys(plain).some((name) => name.includes("NIXL"))).toBe(false);
  expect(dynamoEnv({ ...of, role: "decode", transferPort: 8103 })).toMatchObject({
    VLLM_NIXL_SIDE_CHANNEL_HOST: "127.0.0.1",
    VLLM_NIXL_SIDE_CHANNEL_PORT: "8103",
  });
});

describe("roles", () => {
  const options = (raw: object) => v.parse(vllmOptions, raw);

  test("are named apart and counted together", () => {
    const split = options({ prefillWorkers: 2, decodeWorkers: 1 });
    expect(workersWanted(split)).toBe(3);
    expect(rosterOf(split, 3).map(({ id, role }) => `${id} ${role}`)).toEqual([
      ...["prefill-0 prefill", "prefill-1 prefill", "decode-0 decode"],
    ]);
    expect(workersWanted(options({}))).toBeUndefined();
    expect(rosterOf(options({}), 2).map(({ id }) => id)).toEqual(["worker-0", "worker-1"]);
  });

  test("alone, or beside --workers, are faults", () => {
    const paths = (raw: object) => checkVllm(options(raw)).map(({ path }) => path);
    expect(paths({ prefillWorkers: 1 })).toEqual(["prefillWorkers"]);
    expect(paths({ decodeWorkers: 1 })).toEqual(["decodeWorkers"]);
    expect(paths({ workers: 2, prefillWorkers: 1, decodeWorkers: 1 })).toEqual(["workers"]);
    expect(paths({ prefillWorkers: 1, decodeWorkers: 1 })).toEqual([]);
  });
});

test("what Dynamo's plane cannot have is told at once, and is fine elsewhere", () => {
  const raw = { launch: "ssh gpu7 {command}", workerHost: "gpu7", dataParallelSize: 2 };
  const faults = (plane: "http" | "dynamo") =>
    checkVllm(v.parse(vllmOptions, raw), { plane }).map(({ path }) => path);
  expect(faults("dynamo")).toEqual(["launch", "workerHost", "dataParallelSize"]);
  expect(faults("http")).toEqual([]);
});
