/**
 * Children and foreign programs of a run. A stand-in for the binary is the child, so that it can fail
 * in ways that the binary does not; the keeper is the real one.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHILD_ARGUMENT } from "../../../core/process/child-argument.ts";
import { killMarked, markedPids } from "../../../core/process/keeper.ts";
import { startSupervisor, type Supervisor } from "../../../core/process/supervisor.ts";
import type { Death } from "../../../core/process/death.ts";
import { until } from "../../cli/binary.ts";

const MAIN = join(import.meta.dir, "../../../core/main.ts");
const folder = mkdtempSync(join(tmpdir(), "dynbench-process-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An end within this time counts as immediate: CI machines are slow. */
const SOON_MS = 3000;

/** Acts according to the name in its message; as keeper it does nothing. */
const CHILD = `#!/bin/sh
read -r message
case "$message" in
  *'"keeper"'*) case "$message" in *garbled*) echo '{"type":"started","id":0}' ;; esac; cat >/dev/null ;;
  *never-ready*) echo "waiting for Godot" >&2; cat >/dev/null ;;
  *deaf*) trap "" TERM; while :; do sleep 0.02; done ;;
  *fails*) echo '{"type":"failed","code":"plan","message":"no such thing","hint":"try another"}' ;;
  *broken*) echo "out of cheese" >&2; exit 7 ;;
  *no-code*) echo '{"type":"failed","message":"no code"}'; cat >/dev/null ;;
  *chatty*) echo "hello from a plugin"; echo '[1]'; echo '{"type":"ready","ready":{"port":1}}'; cat >/dev/null ;;
  *dies*) echo '{"type":"ready","ready":1}'; echo "last words" >&2; kill -9 $$ ;;
  *lines*) echo one; echo two; printf three ;;
  *) echo '{"type":"ready","ready":1}'; cat >/dev/null; echo "asked to end" >&2 ;;
esac
`;
const standIn = join(folder, "child.sh");
writeFileSync(standIn, CHILD);
chmodSync(standIn, 0o755);

let runs = 0;

interface Started {
  supervisor: Supervisor;
  deaths: Death[];
  stop: AbortController;
  marker: string;
  start(name: string): ReturnType<Supervisor["startReady"]>;
}

const PIPES = { stdin: "pipe", stdout: "pipe", stderr: "ignore" } as const;

/** For foreign programs the keeper must be the real one. */
const REAL = [process.execPath, MAIN];

function supervise(
  self: readonly string[] = [standIn],
  readyLimitMs = 10_000,
  markerStart = "test",
): Started {
  const deaths: Death[] = [];
  const stop = new AbortController();
  runs += 1;
  const marker = `${markerStart}-${process.pid}-${runs}`;
  const supervisor = startSupervisor({
    self,
    marker,
    logDir: folder,
    host: "127.0.0.1",
    seed: 0,
    signal: stop.signal,
    readyLimitMs,
    onDeath: (death) => deaths.push(death),
  });
  const use = { kind: "engine", name: "x", source: "bundled", options: {} } as const;
  const start: Started["start"] = (name) => supervisor.startSelf(name, use, undefined);
  return { supervisor, deaths, stop, marker, start };
}

/** The log is appended to by earlier tests of the same name, so names differ. */
const script = (name: string, text: string): string => {
  const path = join(folder, `${name}.sh`);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
};

describe("children", () => {
  test("one that becomes ready stays until disposed, and that end does not count as a death", async () => {
    const { supervisor, deaths, start, marker } = supervise();
    const child = await start("good");
    expect(child.ready).toBe(1);
    expect(supervisor.list().map(({ name }) => name)).toEqual(["good"]);
    await child[Symbol.asyncDispose]();
    await child[Symbol.asyncDispose]();
    expect(child.lastLines(1)).toEqual(["asked to end"]);
    expect(supervisor.list()).toEqual([]);
    await supervisor[Symbol.asyncDispose]();
    expect(deaths).toEqual([]);
    expect(markedPids(marker)).toEqual([]);
  });

  test("one that never gets ready is given up, with its last lines", async () => {
    await using started = supervise([standIn], 200).supervisor;
    const use = { kind: "engine", name: "x", source: "bundled", options: {} } as const;
    const start = started.startSelf("never-ready", use, undefined);
    await expect(start).rejects.toMatchObject({
      code: "start",
      message: "Cannot start never-ready: it was not ready after 0.2 s",
      hint: expect.stringContaining("waiting for Godot"),
    });
    expect(started.list()).toEqual([]);
  });

  test("waiting for one ends with the run", async () => {
    const { supervisor, stop, start } = supervise();
    const waiting = start("never-ready-2");
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(start("good-2")).rejects.toThrow("enough");
    await supervisor[Symbol.asyncDispose]();
  });

  test("one that fails is reported with the reason; one that ends with its exit and its last lines", async () => {
    const { supervisor, deaths, start } = supervise();
    await expect(start("fails")).rejects.toMatchObject({
      code: "plan",
      message: "Cannot start fails: no such thing",
      hint: "try another",
    });
    const broken = start("broken");
    await expect(broken).rejects.toMatchObject({
      code: "start",
      message: "Cannot start broken: it ended (exit code 7)",
      hint: expect.stringContaining("out of cheese"),
    });
    await supervisor[Symbol.asyncDispose]();
    expect(deaths).toEqual([]);
  });

  test("output of a plugin before it is not taken for an answer", async () => {
    await using supervisor = supervise().supervisor;
    const use = { kind: "engine", name: "x", source: "bundled", options: {} } as const;
    const child = await supervisor.startSelf("chatty", use, undefined);
    expect(child.ready).toEqual({ port: 1 });
  });

  test("one whose answer is malformed is refused with what was expected, the line and its log", async () => {
    await using supervisor = supervise().supervisor;
    const use = { kind: "engine", name: "x", source: "bundled", options: {} } as const;
    await expect(supervisor.startSelf("no-code", use, undefined)).rejects.toMatchObject({
      message: expect.stringMatching(/^Process "no-code" wrote a malformed message: code: .*code/),
      hint: expect.stringMatching(/"no code"\}\n.*no-code\.log$/s),
    });
    expect(supervisor.list()).toEqual([]);
  });

  test.each([
    ["{", "JSON"],
    ['{"role":"cook","name":"x"}', "role: "],
    ['{"role":"gateway","name":"x","host":"h","seed":"1"}', "seed: "],
  ])("ours refuses a malformed message on stdin: %s", async (message, where) => {
    const child = Bun.spawn([...REAL, CHILD_ARGUMENT], PIPES);
    void child.stdin.write(`${message}\n`);
    await child.stdin.end();
    const answer = JSON.parse(await child.stdout.text());
    expect(answer).toMatchObject({ type: "failed", code: "bug" });
    expect(answer.message).toStartWith("its message on stdin is malformed: ");
    expect(answer.message).toContain(where);
    expect(await child.exited).toBe(1);
  });

  test("one that dies is reported once, by name, with its last lines", async () => {
    const { supervisor, deaths, start } = supervise();
    const child = await start("dies");
    expect(await until(() => deaths.length > 0, SOON_MS)).toBe(true);
    expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
    await supervisor[Symbol.asyncDispose]();
    expect(deaths).toEqual([
      {
        name: "dies",
        code: null,
        signal: "SIGKILL",
        lastLines: ["last words"],
        logPath: join(folder, "dies.log"),
      },
    ]);
  });

  test("one that ignores the end is killed", async () => {
    const { supervisor, marker, stop, start } = supervise();
    const waiting = start("deaf").catch(() => {});
    await until(() => markedPids(marker).length > 0, SOON_MS);
    stop.abort(new Error("enough"));
    await waiting;
    await supervisor[Symbol.asyncDispose]();
    expect(await until(() => markedPids(marker).length === 0, SOON_MS)).toBe(true);
  });

  test("lines arrive whole, even a last one without a newline", async () => {
    await using supervisor = supervise().supervisor;
    const message = { role: "load", name: "lines" } as never;
    const child = supervisor.startLines(message);
    const lines: string[] = [];
    for await (const line of child.lines) lines.push(line);
    expect(lines).toEqual(["one", "two", "three"]);
  });
});

describe("foreign programs", () => {
  test("write to their log, and end with all their children when stopped", async () => {
    const { supervisor, deaths, marker } = supervise(REAL);
    const path = script("family", "sleep 300 & sleep 300 & echo up; wait");
    const program = await supervisor.startForeign("family", [path], { env: { COLOUR: "blue" } });
    expect(await until(() => program.lastLines(1)[0] === "up", SOON_MS)).toBe(true);
    expect(await until(() => markedPids(marker).length === 3, SOON_MS)).toBe(true);
    expect(readFileSync(`/proc/${program.pid}/environ`, "latin1")).toContain("COLOUR=blue");
    await program[Symbol.asyncDispose]();
    await program[Symbol.asyncDispose]();
    expect(await until(() => markedPids(marker).length === 0, SOON_MS)).toBe(true);
    await supervisor[Symbol.asyncDispose]();
    expect(deaths).toEqual([]);
  });

  test("one that dies is reported with its last lines, and its children end", async () => {
    const { supervisor, deaths, marker } = supervise(REAL);
    const path = script("crash", "sleep 300 & echo out of memory; exit 3");
    await supervisor.startForeign("crash", [path]);
    expect(await until(() => deaths.length > 0, SOON_MS)).toBe(true);
    expect(deaths[0]).toMatchObject({ name: "crash", code: 3, lastLines: ["out of memory"] });
    expect(await until(() => markedPids(marker).length === 0, SOON_MS)).toBe(true);
    await supervisor[Symbol.asyncDispose]();
    expect(deaths).toHaveLength(1);
  });

  test("one that does not exist is reported as such", async () => {
    await using supervisor = supervise(REAL).supervisor;
    const start = supervisor.startForeign("nowhere", [join(folder, "no-such-program")]);
    await expect(start).rejects.toMatchObject({
      code: "start",
      message: expect.stringContaining("Cannot start nowhere: "),
      hint: expect.stringContaining("installed and on PATH"),
    });
  });

  test("a child that left its group ends with the run", async () => {
    const { supervisor, marker } = supervise(REAL);
    const path = script("stray", "setsid sleep 300 & echo up; wait");
    await supervisor.startForeign("stray", [path]);
    expect(await until(() => markedPids(marker).length === 2, SOON_MS)).toBe(true);
    await supervisor[Symbol.asyncDispose]();
    expect(markedPids(marker)).toEqual([]);
  });

  test("one that lost the marker ends with the group of one that has it", async () => {
    const { supervisor, marker } = supervise(REAL);
    const path = script("renamed", "env -i sleep 300 & echo $!; sleep 300");
    const program = await supervisor.startForeign("renamed", [path]);
    expect(await until(() => program.lastLines(1).length === 1, SOON_MS)).toBe(true);
    const pid = Number(program.lastLines(1)[0]);
    const isLive = (): boolean =>
      existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
    expect(isLive()).toBe(true);
    expect(await until(() => !markedPids(marker).includes(pid), SOON_MS)).toBe(true);
    await killMarked(marker);
    expect(await until(() => !isLive(), SOON_MS)).toBe(true);
    await supervisor[Symbol.asyncDispose]();
  });

  test("a keeper that gets a malformed request says so, and ends what it started", async () => {
    const keeper = Bun.spawn([...REAL, CHILD_ARGUMENT], PIPES);
    const logPath = join(folder, "orphan.log");
    const command = [script("orphan", "sleep 300")];
    const start = { type: "start", id: 0, name: "orphan", command, env: {}, holdsStdin: false };
    const lines = [
      { role: "keeper", marker: "malformed" },
      { ...start, logPath },
      { type: "watch" },
    ];
    void keeper.stdin.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await keeper.stdin.flush();
    const answers = (await keeper.stdout.text()).trim().split("\n");
    expect(JSON.parse(answers[0]!)).toMatchObject({ type: "started", id: 0 });
    expect(JSON.parse(answers[1]!)).toMatchObject({
      type: "failed",
      message: expect.stringContaining("pid"),
    });
    expect(await keeper.exited).toBe(1);
    expect(markedPids("malformed")).toEqual([]);
  });

  test("a keeper whose answer is malformed is a death with what was expected", async () => {
    const { deaths, supervisor } = supervise([standIn], 1000, "garbled");
    expect(await until(() => deaths.length > 0, SOON_MS)).toBe(true);
    expect(deaths[0]).toMatchObject({
      name: "keeper",
      reason: { what: expect.stringMatching(/^it wrote a malformed message: pid: /) },
    });
    await supervisor[Symbol.asyncDispose]();
    expect(deaths).toHaveLength(1);
  });

  test("without their keeper they end, and the run gets the reason", async () => {
    const { supervisor, deaths, marker } = supervise(REAL);
    const path = script("lonely", "sleep 300");
    await supervisor.startForeign("lonely", [path]);
    await until(() => markedPids(marker).length > 0, SOON_MS);
    const parent = Number(
      /\) . (\d+)/.exec(readFileSync(`/proc/${markedPids(marker)[0]}/stat`, "latin1"))![1],
    );
    expect(existsSync(`/proc/${parent}`)).toBe(true);
    process.kill(parent, "SIGKILL");
    expect(await until(() => deaths.length > 0, SOON_MS)).toBe(true);
    expect(deaths.map(({ name }) => name)).toEqual(["keeper"]);
    await supervisor[Symbol.asyncDispose]();
    expect(await until(() => markedPids(marker).length === 0, SOON_MS)).toBe(true);
  });
});
