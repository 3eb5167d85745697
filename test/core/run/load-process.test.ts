/** Lines of a load process, as the main process takes them. A stand-in plays the process. */
import { describe, expect, test } from "bun:test";
import { driveLoad } from "../../../core/run/load-process.ts";
import type { DynbenchError } from "../../../core/base/errors.ts";
import { plannedRecord, recordLine, type RequestRecord } from "../../../core/contract/record.ts";
import type { LineChild } from "../../../core/process/supervisor.ts";
import type { LoadProgress, LoadTask } from "../../../core/process/messages.ts";

const spec = (index: number) => ({ index, prompt: [], isl: 1, osl: 1 });
const record = (index: number): string =>
  recordLine(plannedRecord("c", spec(index), "measured", 0)).trimEnd();
const PROGRESS = { sent: 2, inFlight: 1, done: 1, failed: 0, outputTokens: 3, elapsedS: 0.5 };
const TICK = JSON.stringify({ type: "tick", ...PROGRESS });
const HEALTH = { latenessMs: { p50: 0, p99: 0, max: 0 }, connections: 1 };
const DONE = JSON.stringify({ type: "done", health: HEALTH });

/** Drives a load whose process writes these lines and ends so. */
async function drive(
  lines: readonly string[],
  exit: { code: number | null; signal: string | null } = { code: 0, signal: null },
) {
  const records: RequestRecord[] = [];
  const written: string[] = [];
  const progress: LoadProgress[] = [];
  let isEnded = false;
  const child: LineChild = {
    name: "load",
    pid: 1,
    exited: Promise.resolve(exit),
    lastLines: () => ["last words"],
    lines: (async function* () {
      yield* lines;
    })(),
    [Symbol.asyncDispose]: async () => void (isEnded = true),
  };
  const end = await driveLoad({ cell: { seed: 1, workload: {} } } as LoadTask, {
    host: "127.0.0.1",
    folder: { file: (name) => `/run/${name}` },
    supervisor: { startLines: () => child },
    signal: new AbortController().signal,
    onProgress: (one) => progress.push(one),
    onRecord: (one, line) => {
      records.push(one);
      written.push(line);
    },
  }).then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  expect(isEnded).toBe(true);
  return { ...end, indexes: records.map(({ index }) => index), written, progress };
}

test("records come with their lines, progress and health as they were written", async () => {
  const started = JSON.stringify({ type: "started", epochMs: 1.5, monotonicNs: 7 });
  const { value, indexes, written, progress } = await drive([
    ...[started, record(0), TICK, record(1), DONE],
  ]);
  expect(value).toEqual({ state: "completed", health: HEALTH });
  expect(indexes).toEqual([0, 1]);
  expect(written).toEqual([record(0), record(1)]);
  expect(progress).toMatchObject([PROGRESS]);
});

test("a load that fails gives the reason, and its code where the plan is at fault", async () => {
  const failed = { type: "failed", message: "no more rows", hint: "add some" };
  expect((await drive([JSON.stringify({ ...failed, code: "plan" })])).error).toMatchObject({
    ...{ code: "plan", message: "no more rows", hint: "add some" },
  });
  expect((await drive([JSON.stringify({ ...failed, code: "bug" })])).error).toMatchObject({
    code: "load",
  });
});

describe("a malformed line ends the load with what was expected, the line and the log", () => {
  test.each([
    ["no JSON", "hello from a workload", "it is not JSON"],
    ["an unknown type", '{"type":"tock"}', "type: "],
    ["a count that is text", TICK.replace('"sent":2', '"sent":"2"'), "sent: "],
    ["a count that is missing", TICK.replace('"sent":2,', ""), "sent: "],
    ["an unknown key", TICK.replace('"sent"', '"speed":1,"sent"'), "speed: "],
    ["health without lateness", '{"type":"done","health":{}}', "health.latenessMs: "],
    ["a failure without its code", '{"type":"failed","message":"x"}', "code: "],
    ["a record without its end", record(0).replace('"endNs":0', '"endNs":null'), "endNs: expected"],
    ["half a record", record(0).slice(0, -9), "it is not JSON"],
  ])("%s", async (_, line, fault) => {
    const { error, indexes } = await drive([record(5), line, DONE]);
    const { code, message, hint } = error as DynbenchError;
    expect(code).toBe("load");
    expect(message).toStartWith('Process "load" wrote a malformed message: ');
    expect(message).toContain(fault);
    expect(hint).toContain(`The line was: ${line}\n`);
    expect(hint).toEndWith("See /run/logs/load.log");
    expect(indexes).toEqual([5]);
  });
});

test("a last line that a dying process cut is dropped, and how it died is the reason", async () => {
  for (let length = 1; length < record(1).length; length += 1) {
    const lines = [record(0), record(1).slice(0, length)];
    const { error, written } = await drive(lines, { code: null, signal: "SIGKILL" });
    expect(written).toEqual([record(0)]);
    expect(error).toMatchObject({
      message: "The load generator ended early (killed by SIGKILL)",
      hint: expect.stringContaining("last words"),
    });
  }
});

test("a process that ends well after a malformed last line is not believed", async () => {
  const { error } = await drive([record(0), DONE, "{"]);
  expect(error).toMatchObject({ message: expect.stringContaining("malformed message") });
  const silent = await drive([record(0)]);
  expect(silent.error).toMatchObject({
    message: "The load generator ended early (exit code 0)",
  });
});
