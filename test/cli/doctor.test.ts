/** The doctor as a black box: on machines that have what it checks, on bare ones, and after a kill. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Check } from "../../core/doctor/check.ts";
import { groupMembers, MARKER_VARIABLE, statOf } from "../../core/process/keeper.ts";
import { dynbench, emptyFolder, startDynbench, TINY, until } from "./binary.ts";

const cwd = emptyFolder();
/** Linux counts to 2^22 at most. */
const DEAD = 2 ** 22 + 1;

/** A folder with these shell scripts. */
function programs(folder: string, scripts: Record<string, string>): string {
  const path = join(cwd, folder);
  mkdirSync(path, { recursive: true });
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(path, name), 0o755);
  }
  return path;
}

async function examined(
  env: Record<string, string>,
  args: readonly string[] = [],
  isBare = false,
): Promise<{ exitCode: number | undefined; find(name: string): Check; checks: Check[] }> {
  const end = await dynbench(["doctor", "--json", ...args], { cwd, env, isBare });
  expect(end).toMatchObject({ stderr: "", left: [] });
  const { checks } = JSON.parse(end.stdout) as { checks: Check[] };
  const find = (name: string): Check => checks.find((check) => check.name === name)!;
  return { exitCode: end.exitCode, checks, find };
}

describe("a GPU host", () => {
  const bin = programs("gpu-host", {
    "nvidia-smi":
      'for i in 0 1 2 3 4 5 6 7; do echo "$i, NVIDIA L40S, 46068, 8.9, 550.54.15"; done',
    python3: `echo 'a warning'; echo '{"path": "/opt/py", "version": "3.12.1", "scripts": "${join(cwd, "scripts")}", "packages": {"vllm": "0.31.0", "ai-dynamo": "1.6.1"}}'`,
    "nats-server": "echo nats-server: v2.15.1",
    nginx: "echo nginx version: nginx/1.22.1 >&2",
    haproxy: "exit 1",
  });
  programs("scripts", { smg: "echo smg 1.13.0" });

  test("is found with its GPUs, engines and routers", async () => {
    const { find, exitCode } = await examined({ PATH: bin });
    expect(exitCode).toBe(0);
    expect(find("GPUs")).toMatchObject({
      state: "ok",
      found: "8 × NVIDIA L40S, 45 GiB, driver 550.54.15",
    });
    expect(find("Python").found).toBe("3.12.1, /opt/py");
    expect(find("vllm")).toMatchObject({ state: "ok", found: expect.stringContaining("0.31.0") });
    expect(find("ai-dynamo").found).toContain("ai-dynamo 1.6.1, for router dynamo");
    expect(find("nats-server").found).toContain(`2.15.1, ${join(bin, "nats-server")}`);
    expect(find("nginx").found).toContain("1.22.1, ");
    expect(find("haproxy")).toMatchObject({ state: "ok", found: expect.stringMatching(/^\//) });
    expect(find("smg")).toMatchObject({
      state: "note",
      found: expect.stringContaining("1.13.0"),
      next: expect.stringContaining("It is not on PATH"),
    });
    expect(find("sglang-router").next).toContain("pip install sglang-router");
  });

  test("with hidden or miscounted GPUs is reported as such", async () => {
    const hidden = await examined({ PATH: bin, CUDA_VISIBLE_DEVICES: "" });
    expect(hidden.find("CUDA_VISIBLE_DEVICES").found).toBe("hides every GPU");
    const wrong = await examined({ PATH: bin, CUDA_VISIBLE_DEVICES: "9" });
    expect(wrong.find("CUDA_VISIBLE_DEVICES").found).toContain("names GPU 9, and there is none");
  });

  test("is printed in aligned lines, with what to do next", async () => {
    const { stdout, exitCode } = await dynbench(["doctor"], { cwd, env: { PATH: bin } });
    expect(exitCode).toBe(0);
    const columns = stdout
      .split("\n")
      .filter((line) => /^  [✓·!✗] /.test(line))
      .map((line) => /^  . .*? {2,}/.exec(line)![0].length);
    expect(new Set(columns).size).toBe(1);
    const broken = stdout.split("\n").filter((line) => line.length > 100);
    expect(broken.filter((line) => /\S \S/.test(line.slice(columns[0])))).toEqual([]);
    expect(stdout).toContain("→ pip install vllm-router");
    expect(stdout).toContain("Runs of the mocker can start: dynbench run");
  });
});

describe("a bare machine", () => {
  test("with an empty PATH and no environment has everything that the mocker needs", async () => {
    const { find, exitCode, checks } = await examined({}, [], true);
    expect(exitCode).toBe(0);
    expect(find("GPUs")).toMatchObject({ state: "note", found: "none: no nvidia-smi" });
    expect(find("Python").state).toBe("note");
    expect(find("home").found).toBe("neither HOME nor XDG_DATA_HOME is set");
    for (const name of ["vllm", "ai-dynamo", "smg", "nginx", "haproxy"]) {
      expect(find(name)).toMatchObject({ state: "note", next: expect.stringContaining("install") });
    }
    for (const { state, next } of checks) expect(state === "ok" || next !== undefined).toBe(true);
  });

  test("a given Python that does not answer is a fault, exit code 3", async () => {
    const bin = programs("broken", { python3: "echo Traceback >&2; exit 1" });
    const { find, exitCode } = await examined({ PATH: bin }, ["--python", join(bin, "python3")]);
    expect(exitCode).toBe(3);
    expect(find("Python").state).toBe("fault");
  });

  test("a folder that cannot be written is a fault too", async () => {
    const { find, exitCode } = await examined({}, ["--out", "/proc/runs"]);
    expect(exitCode).toBe(3);
    expect(find("run folder").state).toBe("fault");
  });

  test("proxies are listed without their values", async () => {
    const env = { HTTP_PROXY: "http://me:s3cret@proxy:8080" };
    const { find, checks } = await examined(env);
    expect(find("proxies")).toMatchObject({
      state: "note",
      found: "HTTP_PROXY: ignored for engines and routers",
    });
    expect(JSON.stringify(checks)).not.toContain("s3cret");
  });

  test("a limit on open files is reported as the concurrency that it allows", async () => {
    const end = await dynbench(["doctor"], {
      cwd,
      wrapper: ["sh", "-c", 'ulimit -n 1024; exec "$0" "$@"'],
    });
    expect(end.stdout).toContain("1,024 (hard limit), enough for --concurrency 464");
    expect(end.stdout).toContain("ulimit -n 65536");
  });

  test("unknown arguments are refused", async () => {
    const end = await dynbench(["doctor", "who"], { cwd });
    expect(end).toMatchObject({ exitCode: 2, stdout: "" });
    const flag = await dynbench(["doctor", "--claen"], { cwd });
    expect(flag).toMatchObject({ exitCode: 2, stdout: "" });
    expect(flag.stderr).toContain("--claen: there is no such option");
  });
});

describe("--clean", () => {
  const started: Bun.Subprocess[] = [];
  const sleeper = (marker: string): Bun.Subprocess => {
    const child = Bun.spawn(["sleep", "300"], {
      detached: true,
      env: { [MARKER_VARIABLE]: marker, PATH: "/bin:/usr/bin" },
    });
    started.push(child);
    return child;
  };
  afterAll(() => {
    for (const child of started) child.kill("SIGKILL");
  });
  const clean = (...args: string[]) =>
    dynbench(["doctor", "--clean", ...args], { cwd, env: { TMPDIR: cwd } });

  test("ends the whole group of a left process, even members without the marker", async () => {
    // As vLLM's engine, which writes its title over its environment.
    const nested = "env -u DYNBENCH_RUN sleep 301 & sleep 302 & wait";
    const leader = Bun.spawn(["sh", "-c", nested], {
      detached: true,
      env: { [MARKER_VARIABLE]: `${DEAD}-1764000000001`, PATH: "/bin:/usr/bin" },
    });
    started.push(leader);
    const members = (): number => groupMembers(leader.pid).length;
    expect(await until(() => members() === 3, 5000)).toBe(true);
    const { stdout } = await clean();
    expect(stdout).toContain(" sleep 301");
    expect(stdout).toContain(" sleep 302");
    expect(await until(() => members() === 0, 5000)).toBe(true);
  });

  test("ends the processes of a dead run, not those of a living one", async () => {
    const dead = sleeper(`${DEAD}-1764000000000`);
    const living = sleeper(`${process.pid}-1764000000000`);
    const folder = join(cwd, `dynbench-up-${DEAD}-abcdef`);
    const used = join(cwd, `dynbench-up-${process.pid}-abcdef`);
    const discovery = join(cwd, `runs/a/discovery/dynbench-${DEAD}-mb0`);
    for (const path of [folder, used, discovery]) mkdirSync(path, { recursive: true });
    const end = await clean();
    expect(end).toMatchObject({ exitCode: 0, stderr: "" });
    expect(end.stdout).toContain(`process ${dead.pid} sleep 300`);
    expect(end.stdout).toContain(`folder ${folder}`);
    expect(await until(() => dead.exitCode !== null || dead.signalCode !== null, 5000)).toBe(true);
    expect(living.signalCode).toBeNull();
    expect(end.stdout).not.toContain(`process ${living.pid}`);
    expect([folder, discovery, join(cwd, "runs/a/discovery")].filter(existsSync)).toEqual([]);
    expect(existsSync(used)).toBe(true);
    const { processes } = JSON.parse((await clean("--json")).stdout);
    expect(processes.map(({ pid }: { pid: number }) => pid)).not.toContain(dead.pid);
  });

  test("finds the programs of a run that was killed with its keeper", async () => {
    // The stand-in of a router: started by the keeper, and deaf to its end.
    const bin = programs("deaf", {
      nginx: "[ $1 = -v ] && exit; trap '' TERM; while :; do sleep 1; done",
    });
    const run = startDynbench(["run", ...TINY, "--router", "nginx", "--out", "killed"], {
      cwd,
      env: { PATH: `${bin}:/usr/bin:/bin` },
    });
    const nginx = (): number | undefined => run.children().find((pid) => isScript(pid, bin));
    expect(await until(() => nginx() !== undefined, 20_000)).toBe(true);
    const pid = nginx()!;
    const keeper = keeperOf(pid);
    process.kill(run.pid, "SIGSTOP"); // it must not notice the keeper's end
    process.kill(keeper, "SIGKILL");
    process.kill(run.pid, "SIGKILL");
    const isGone = (each: number): boolean => statOf(each)?.isLive !== true;
    expect(await until(() => isGone(keeper) && isGone(run.pid), 5000)).toBe(true);
    expect(run.children()).toContain(pid);
    const end = await clean();
    expect(end.stdout).toContain(`process ${pid} `);
    expect(end.exitCode).toBe(0);
    expect((await run.end()).left).toEqual([]);
  });
});

function keeperOf(pid: number): number {
  const stat = Bun.spawnSync(["cat", `/proc/${pid}/stat`]).stdout.toString();
  return Number(/\) \S (\d+)/.exec(stat)![1]);
}

function isScript(pid: number, folder: string): boolean {
  return Bun.spawnSync(["cat", `/proc/${pid}/cmdline`])
    .stdout.toString()
    .includes(folder);
}
