/** Commands and environments of vLLM servers, to the letter; flags are those of vLLM 0.31's help. */
import { describe, expect, test } from "bun:test";
import { v } from "dynbench";
import {
  publishesEvents,
  serverCommand,
  serverEnv,
  type ServerCommand,
} from "../../../../plugins/engines/vllm/command.ts";
import { flagNames, flagValue } from "../../../../plugins/engines/vllm/flags.ts";
import {
  checkVllm,
  environmentOf,
  vllmOptions,
} from "../../../../plugins/engines/vllm/vllm-options.ts";

const server = (
  raw: Record<string, unknown> = {},
  change: Partial<ServerCommand> = {},
): ServerCommand => ({
  options: v.parse(vllmOptions, raw),
  program: "serve",
  flags: new Set(),
  ports: { http: 8100, kvEvents: 8101, replay: 8102 },
  engineArgs: [],
  ...change,
});

const EVENTS =
  '{"enable_kv_cache_events":true,"publisher":"zmq","endpoint":"tcp://*:8101","replay_endpoint":"tcp://*:8102","topic":""}';

/** What `run_engines.sh` gives vLLM, and what dynbench needs to see into it. */
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

  test("has what was chosen, and everything after -- at its end", () => {
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

  test("leaves out what the user gives after --, in any spelling", () => {
    const engineArgs = ["--block_size=32", "--no-enable-prefix-caching", "--no-enforce-eager"];
    const command = serverCommand(server({}, { engineArgs }));
    expect(command.filter((word) => /block|prefix|eager/.test(word))).toEqual(engineArgs);
  });

  test("leaves out what this vLLM does not know", () => {
    const flags = new Set(["--host", "--port", "--max-model-len", "--block-size"]);
    const command = serverCommand(server({}, { flags }));
    expect([...flagNames(command)]).toEqual([...flags]);
    expect(publishesEvents(server({}, { flags }))).toBe(false);
  });

  test("promises no events where each rank would have a cache of its own", () => {
    expect(publishesEvents(server())).toBe(true);
    expect(publishesEvents(server({ dataParallelSize: 2 }))).toBe(false);
  });

  test("refuses after -- what each server needs for itself", () => {
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

  test("has its GPUs, or its cores, and the user's last", () => {
    expect(serverEnv({ gpus: ["2", "3"], cpus: undefined, users: {} })).toEqual({
      ...base,
      CUDA_VISIBLE_DEVICES: "2,3",
    });
    const users = { PYTHONHASHSEED: "7", HF_HOME: "/models" };
    expect(serverEnv({ gpus: undefined, cpus: "0-1", users })).toEqual({
      ...base,
      VLLM_CPU_OMP_THREADS_BIND: "0-1",
      ...users,
    });
  });

  test("takes names alone from here, and only where they are set", () => {
    const here = { HF_TOKEN: "hf_1", OTHER: "x" };
    expect(environmentOf(["A=1=2", "B=", "HF_TOKEN", "NOT_SET"], here)).toEqual({
      A: "1=2",
      B: "",
      HF_TOKEN: "hf_1",
    });
  });
});

describe("options", () => {
  const faults = (raw: Record<string, unknown>) => checkVllm(v.parse(vllmOptions, raw));

  test("are fine as they are", () => expect(faults({})).toEqual([]));

  test("that store a secret, or launch nowhere, or hold no request, are all told", () => {
    const found = faults({
      ...{ env: ["HF_TOKEN=hf_1"], launch: "ssh gpu7", kvBlocks: 10 },
    });
    expect(found.map(({ path }) => path)).toEqual(["launch", "env", "maxModelLen"]);
    expect(found[1]!.hint).toContain("--env HF_TOKEN");
    expect(found[2]!.hint).toBe("Use --max-model-len 640, or at least --kv-blocks 512");
  });

  test("refuse an environment that is none", () => {
    expect(v.safeParse(vllmOptions, { env: ["no name=1"] }).success).toBe(false);
  });
});

describe("flags among arguments", () => {
  test("are found in both forms, and the last value counts", () => {
    const args = ["--a", "1", "--b=2", "-v", "--a=3", "--no-c"];
    expect([...flagNames(args)]).toEqual(["--a", "--b", "--no-c"]);
    expect(flagValue(args, "--a")).toBe("3");
    expect(flagValue(args, "--b")).toBe("2");
    expect(flagValue(args, "--c")).toBeUndefined();
  });
});
