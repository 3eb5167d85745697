/** A router that is a program: the messages when it is not there, or ends before it serves. */
import { expect, test } from "bun:test";
import type { StartContext } from "../../../../core/contract/processes.ts";
import {
  explainProgram,
  programPorts,
  startProgram,
} from "../../../../plugins/shared/external/program.ts";

const log = { info() {}, warn() {}, error() {}, debug() {} };
const never = new AbortController().signal;
const program = {
  need: { command: "smg", install: "pip install smg" },
  ...{ command: "no-such-program-here", argv: [] },
  ...{ ports: { http: 1, metrics: 2 }, facts: {}, version: { distribution: "smg" } },
  isUp: () => Promise.reject(new Error("not yet")),
};

test("a missing program is reported with how to install it and how to name it", async () => {
  const context = { host: "127.0.0.1", signal: never, log } as unknown as StartContext;
  await expect(startProgram(program, context)).rejects.toMatchObject({
    code: "start",
    message: 'Cannot start smg: there is no program "no-such-program-here"',
    hint: "Install it (pip install smg), or name it: --smg-command PATH, or the Python that has it: --python PATH",
  });
});

test("one that ends while it starts is reported with its last lines, and not left", async () => {
  let stopped = 0;
  const lines = ["thread panicked: Address already in use (os error 98)"];
  const running = {
    ...{ name: "smg", pid: 1, logPath: "smg.log", guard() {} },
    exited: Promise.resolve({ code: 101, signal: null }),
    lastLines: () => lines,
    [Symbol.asyncDispose]: async () => void (stopped += 1),
  };
  const processes = { startForeign: async () => running };
  const context = { host: "127.0.0.1", signal: never, log, processes } as unknown as StartContext;
  const start = startProgram({ ...program, command: process.execPath }, context);
  await expect(start).rejects.toMatchObject({
    message: expect.stringContaining("another program has taken its port in the meantime"),
    hint: expect.stringContaining(lines[0]!),
  });
  expect(stopped).toBe(1);
});

test("several copies are refused", () => {
  const context = { replicas: 2 } as unknown as StartContext;
  expect(() => programPorts("nginx", context)).toThrow("Cannot start 2 copies of nginx");
});

test("it listens on the context's port, else on a free one", () => {
  const at = (port?: number) =>
    programPorts("nginx", { replicas: 1, port } as unknown as StartContext);
  expect(at(8000).http).toBe(8000);
  expect(at().http).toBeGreaterThan(0);
  expect(new Set(Object.values(at(8000))).size).toBe(2);
});

test("a log without a known reason explains nothing", () => {
  expect(explainProgram(["WARN no authentication"])).toBeUndefined();
  expect(explainProgram(["smg: error: unrecognized arguments: --x"])?.what).toContain(
    "does not know one of the options",
  );
});
