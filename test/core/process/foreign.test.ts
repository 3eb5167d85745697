/** Foreign tasks and slow servers under a real keeper; the programs are shell scripts. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, mustBeFree, portRange } from "../../../core/process/free-ports.ts";
import { lastJson, otherVersion, probePython } from "../../../core/process/python-probe.ts";
import { startSupervisor } from "../../../core/process/supervisor.ts";
import type { Death } from "../../../core/process/death.ts";
import { runForeign } from "../../../core/process/task.ts";
import { untilReady } from "../../../core/process/until-ready.ts";
import { until } from "../../cli/binary.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-foreign-"));
const stop = new AbortController();
const deaths: Death[] = [];
const supervisor = startSupervisor({
  self: [process.execPath, join(import.meta.dir, "../../../core/main.ts")],
  marker: `foreign-${process.pid}`,
  logDir: folder,
  host: "127.0.0.1",
  seed: 0,
  signal: stop.signal,
  onDeath: (death) => deaths.push(death),
});
afterAll(async () => {
  await supervisor[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const { signal } = stop;
const log = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
const sh = (text: string): string[] => ["/bin/sh", "-c", text];
const never = (): Promise<unknown> => Promise.reject(new Error("not yet"));
const explain = (lines: readonly string[]) =>
  lines.some((line) => line.includes("CUDA out of memory"))
    ? { what: "the GPU's memory is full", hint: "Lower it" }
    : undefined;
const readiness = { limitMs: 10_000, signal, log, explain };

describe("a task", () => {
  test("runs to its end, which does not count as a death, and returns code and lines", async () => {
    const task = {
      name: "task",
      signal,
      limitMs: 10_000,
      command: sh("echo one; echo two >&2; exit 3"),
    };
    expect(await runForeign(supervisor, task)).toEqual({ code: 3, lines: ["one", "two"] });
    expect(deaths).toEqual([]);
  });

  test("gets an environment that bypasses proxies for this machine", async () => {
    const proxied = await supervisor.startForeign("proxied", sh('echo "$NO_PROXY $no_proxy"'), {
      env: { http_proxy: "http://127.0.0.1:9", NO_PROXY: "intranet" },
      isUnguarded: true,
    });
    await proxied.exited;
    const list = "intranet,127.0.0.1,localhost,::1";
    expect(proxied.lastLines(1)).toEqual([`${list} ${list}`]);
  });

  test("that cannot be started is reported with program and cause", async () => {
    const start = supervisor.startForeign("absent", ["/nowhere/python"]);
    await expect(start).rejects.toThrow(
      'Cannot start absent: "/nowhere/python": there is no such file or folder',
    );
  });

  test("that does not end in time is ended and reported", async () => {
    const task = { name: "endless", signal, limitMs: 50, command: sh("sleep 300") };
    await expect(runForeign(supervisor, task)).rejects.toThrow("endless did not end within 0.05 s");
    expect(deaths).toEqual([]);
  });
});

describe("a server that loads", () => {
  test("is watched once it is up, and its death is reported with the reason from its log", async () => {
    const name = "falls";
    const command = sh("read x; echo torch.OutOfMemoryError: CUDA out of memory; exit 1");
    const program = await supervisor.startForeign(name, command, {
      isUnguarded: true,
      holdsStdin: true,
      explain,
    });
    await untilReady(program, { ...readiness, isUp: () => Promise.resolve() });
    program.guard();
    expect(deaths).toEqual([]);
    process.kill(program.pid, "SIGKILL");
    expect(await until(() => deaths.length === 1, 3000)).toBe(true);
    expect(deaths[0]).toMatchObject({ name, signal: "SIGKILL" });
    deaths.length = 0;
  });

  test("that ends before it is up is reported with its exit, its reason and its last lines", async () => {
    const name = "falls-early";
    const command = sh("echo loading; echo CUDA out of memory; exit 1");
    const program = await supervisor.startForeign(name, command, { isUnguarded: true, explain });
    await expect(untilReady(program, { ...readiness, isUp: never })).rejects.toMatchObject({
      code: "start",
      message: `Cannot start ${name}: it ended (exit code 1): the GPU's memory is full`,
      hint: expect.stringMatching(/^Lower it\nLast lines of .*\n  loading\n  CUDA out of memory$/),
    });
    expect(deaths).toEqual([]);
    program.guard();
    expect(deaths.splice(0)).toMatchObject([
      { name, code: 1, reason: { what: "the GPU's memory is full" } },
    ]);
  });

  test("that takes too long is reported with its last lines", async () => {
    const name = "slow";
    const program = await supervisor.startForeign(name, sh("echo loading; sleep 300"), {
      isUnguarded: true,
    });
    await expect(untilReady(program, { ...readiness, limitMs: 20, isUp: never })).rejects.toThrow(
      "Cannot start slow: not ready after 0.02 s: not yet",
    );
    await program[Symbol.asyncDispose]();
  });
});

describe("a Python", () => {
  const question = {
    python: "python3",
    env: {},
    launch: undefined,
    distributions: ["no-such-package"],
    programs: [],
  };

  test("without the package is reported with how to install it", async () => {
    const asked = probePython(question, { processes: supervisor, signal, log });
    await expect(asked).rejects.toMatchObject({
      message: 'Python "python3" has no package "no-such-package"',
      hint: expect.stringContaining("python3 -m pip install no-such-package"),
    });
  });

  test("that is another program is reported with its output", async () => {
    const asked = probePython(
      { ...question, python: "/bin/false" },
      { processes: supervisor, signal, log },
    );
    await expect(asked).rejects.toThrow('Cannot ask "/bin/false" what it has: exit code 1');
  });

  test("whose engine was built for another version of its base is reported as such", async () => {
    const site = join(folder, "site");
    const pin = 'Requires-Dist: core-y[a,b]==0.31.0; extra == "z"';
    for (const [name, version, more] of [
      ["engine_x", "1.6.1", pin],
      ["core_y", "0.32.0", "Requires-Dist: other==1"],
    ]) {
      const dist = join(site, `${name}-${version}.dist-info`);
      mkdirSync(dist, { recursive: true });
      const text = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${more}\n`;
      writeFileSync(join(dist, "METADATA"), text);
    }
    const broken = ["-c", "raise ImportError('cannot import name')"];
    const asked = probePython(
      {
        ...{ ...question, env: { PYTHONPATH: site }, distributions: ["engine-x"] },
        ...{ also: ["core-y", "core-y-cpu"], programs: [{ name: "serve", help: broken }] },
      },
      { processes: supervisor, signal, log },
    );
    await expect(asked).rejects.toMatchObject({
      message: 'The package "engine-x" of "python3" does not run',
      hint: expect.stringMatching(
        /^Perhaps because engine-x 1\.6\.1 is made for core-y 0\.31\.0, and core-y 0\.32\.0 is there; it printed: serve: .*cannot import name/,
      ),
    });
  });

  test("has the required version in any build, or lacks it", () => {
    const names = { distributions: ["x"], also: ["y", "y-cpu"] };
    const pins = { y: "0.31.0" };
    const of = (versions: Record<string, string>) => otherVersion(names, { versions, pins });
    expect(of({ x: "1", y: "0.31.0+cpu" })).toBeUndefined();
    expect(of({ x: "1", "y-cpu": "0.31.0" })).toBeUndefined();
    expect(of({ x: "1" })).toBe("x 1 is made for y 0.31.0, which is not there");
    expect(otherVersion(names, { versions: { x: "1", y: "2" }, pins: {} })).toBeUndefined();
    expect(of({ y: "2" })).toBeUndefined();
  });

  test("answers in the last line that is an object", () => {
    expect(lastJson(["{broken", '{"a":1}', "warning", "{x"])).toEqual({ a: 1 });
    expect(lastJson([])).toBeUndefined();
  });
});

describe("ports", () => {
  test("that are free differ from each other", () => {
    const ports = freePorts(20);
    expect(new Set(ports).size).toBe(20);
    mustBeFree(ports, "");
  });

  test("are below the system's ephemeral ports", () => {
    expect(portRange(() => "32768\t60999\n")).toEqual({ lowest: 10_000, end: 32_768 });
    expect(portRange(() => "15000 65000\n")).toEqual({ lowest: 10_000, end: 15_000 });
    expect(portRange(() => "1024 65535\n")).toEqual({ lowest: 10_000, end: 32_768 });
    expect(portRange(() => "")).toEqual({ lowest: 10_000, end: 32_768 });
    const { lowest, end } = portRange();
    const ports = [...freePorts(8), ...freePorts(8)];
    expect(new Set(ports).size).toBe(16);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(lowest);
    expect(Math.max(...ports)).toBeLessThan(end);
  });

  test("that are taken are skipped, and a range without enough free ones is a fault", () => {
    const [first] = freePorts(1) as [number];
    const server = Bun.listen({ hostname: "127.0.0.1", port: first, socket: { data: () => {} } });
    expect(() => freePorts(1, { lowest: first, end: first + 1 })).toThrow(
      `Only 0 of 1 ports are free from ${first} to ${first}`,
    );
    expect(freePorts(30, { lowest: first, end: first + 100 })).not.toContain(first);
    server.stop(true);
  });

  test("that are taken, even only on loopback, are named", () => {
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
    expect(() => mustBeFree([server.port], "Choose others")).toThrow(
      `Port ${server.port} is taken by another program`,
    );
    server.stop(true);
  });
});
