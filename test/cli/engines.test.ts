/** SGLang and TensorRT-LLM through the binary, with stand-ins for their Pythons: whole runs, plans, bad set-ups. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { dynbench, emptyFolder } from "./binary.ts";
import { standInPython } from "../plugins/shared/model-servers/stand-in-python.ts";

const cwd = emptyFolder();
const PATH = `${standInPython({ gpus: 4 })}:/usr/local/bin:/usr/bin:/bin`;
const LOAD = [
  ...["--isl", "500", "--osl", "4", "--requests", "16", "--prefix-ratio", "0.5"],
  ...["--settle", "off"],
];

function run(engine: string, args: readonly string[], env: Record<string, string> = {}) {
  return dynbench(["run", "--engine", engine, ...LOAD, "--num-prefix-prompts", "2", ...args], {
    cwd,
    env: { PATH, ...env },
  });
}

const read = (...names: string[]): any => JSON.parse(readFileSync(join(cwd, ...names), "utf8"));
const lines = (...names: string[]): any[] =>
  readFileSync(join(cwd, ...names), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Prompt tokens that the router expected to be cached and those that the server found, by request. */
function predictions(out: string): { expected: number; found: number }[] {
  const decisions = lines(out, "decisions.jsonl");
  return lines(out, "records.jsonl").map(({ index, isl, cachedTokens: found }) => {
    const own = decisions.findLast(({ requestId }) => requestId.endsWith(`/${index}`));
    // The block with the last token is always computed.
    return { expected: Math.min(own.overlapBlocks, Math.floor((isl - 1) / 64)) * 64, found };
  });
}

describe.each(["sglang", "trtllm"])("%s", (engine) => {
  test("servers come up on disjoint GPUs as configured, send their events to our router, and go down", async () => {
    // One at a time; at a pace that leaves time for events to be fetched.
    const pace = engine === "sglang" ? ["--concurrency", "1"] : ["--rate", "40"];
    const args = ["--tensor-parallel-size", "2", "--router", "kv", ...pace];
    const end = await run(engine, [...args, "--out", engine]);
    expect([0, 5].includes(end.exitCode ?? -1) ? "" : end.stderr).toBe("");
    expect(end.stderr).toContain("2 servers, 2 GPUs each: 0,1 2,3");
    expect(end.left).toEqual([]);
    const facts = read(engine, "facts.json");
    expect(facts.engines[engine].workers).toMatchObject([
      { id: "worker-0", blockSize: 64, kvBlocks: 4096, gpus: ["0", "1"] },
      { id: "worker-1", blockSize: 64, kvBlocks: 4096, gpus: ["2", "3"] },
    ]);
    expect(facts.processes["worker-1"].env.CUDA_VISIBLE_DEVICES).toBe("2,3");
    if (engine === "trtllm") expectConfiguration(facts);
    const [cell] = read(engine, "summary.json").cells;
    expect(cell.requests).toEqual({ sent: 16, ok: 16, failed: 0, dropped: 0 });
    const ids = cell.verdict.reasons.map(({ id }: { id: string }) => id);
    expect(ids.includes("fresh-prompts")).toBe(engine === "trtllm");
    expect(ids).not.toContain("reset-not-proved");
    const all = predictions(engine);
    expect(all.some(({ expected }) => expected > 0)).toBe(true);
    // Fetched events arrive later than published ones; they are never wrong.
    for (const { expected, found } of all) {
      if (engine === "sglang") expect(expected).toBe(found);
      else expect(expected).toBeLessThanOrEqual(found);
    }
  });

  test("is planned with the commands that it would start, on either plane", async () => {
    for (const [router, module] of [
      ["kv", engine === "sglang" ? "sglang.launch_server" : "tensorrt_llm.commands.serve"],
      ["dynamo", `dynamo.${engine}`],
    ]) {
      const args = ["plan", "--engine", engine, "--router", router!, ...LOAD];
      const { stdout, exitCode } = await dynbench(args, { cwd, env: { PATH } });
      expect(stdout).toContain(`python3 -m ${module}`);
      expect(exitCode).toBe(0);
    }
  });
});

describe("a failed start ends with exit code 3, a reason, a next step, and nothing running", () => {
  const cases: [name: string, engine: string, env: Record<string, string>, said: string[]][] = [
    [
      "a Python without SGLang",
      "sglang",
      { STAND_IN: "no-package" },
      ['Python "python3" has no package "sglang"', "python3 -m pip install sglang"],
    ],
    [
      "a Python without TensorRT-LLM",
      "trtllm",
      { STAND_IN: "no-package" },
      ['Python "python3" has no package "tensorrt-llm"'],
    ],
    [
      "SGLang on a GPU without room",
      "sglang",
      { STAND_IN: "oom" },
      ["Cannot start worker-", "CUDA out of memory", "--mem-fraction-static 0.8"],
    ],
    [
      "TensorRT-LLM on a GPU without room",
      "trtllm",
      { STAND_IN: "oom" },
      ["Cannot start worker-", "CUDA out of memory", "--free_gpu_memory_fraction 0.8"],
    ],
    ["a gated model", "sglang", { STAND_IN: "gated" }, ["it is gated", "set HF_TOKEN"]],
  ];
  for (const [name, engine, env, said] of cases) {
    test(name, async () => {
      const end = await run(engine, ["--router", "kv"], env);
      for (const text of said) expect(end.stderr).toContain(text);
      expect([end.exitCode, end.left]).toEqual([3, []]);
    });
  }

  test("too few GPUs, a taken port, and a Python without Dynamo's part", async () => {
    const few = await run("trtllm", ["--router", "kv", "--tensor-parallel-size", "8"]);
    expect(few.stderr).toContain("Too few GPUs: 1 workers of 8 need 8, and 4 are there");
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    const taken = await run("sglang", ["--router", "kv", "--first-port", `${server.port}`]);
    server.stop(true);
    expect(taken.stderr).toContain(`Port ${server.port} is taken by another program`);
    const bare = await run("sglang", ["--router", "dynamo"], { STAND_IN: "no-package" });
    expect(bare.stderr).toContain('Python "python3" has no package "ai-dynamo"');
    expect([few.exitCode, taken.exitCode, bare.exitCode]).toEqual([3, 3, 3]);
  });
});

/** The configuration written for TensorRT-LLM is the one that its servers get. */
function expectConfiguration({ processes }: any): void {
  const { command } = processes["worker-0"];
  const path = command[command.indexOf("--config") + 1];
  expect(existsSync(path)).toBe(true);
  expect(JSON.parse(readFileSync(path, "utf8")).kv_cache_config).toMatchObject({
    enable_block_reuse: true,
    tokens_per_block: 64,
  });
}
