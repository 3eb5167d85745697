/**
 * A start context with processes as a run has them: children of this program, and foreign programs
 * under its keeper. For engines and routers that start either.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, type TriedContext } from "./in-process.ts";
import { startSupervisor } from "../../core/process/supervisor.ts";

/** Where `dynbench plugin test` has brought us the program is the runner's own file; else it is beside us. */
const MAIN = join(import.meta.dir, "../../core/main.ts");

/** The command that starts dynbench. */
export const SELF: readonly string[] = existsSync(MAIN)
  ? [process.execPath, MAIN]
  : [process.execPath];

/** A fresh context, with a run folder of its own. An unexpected death of a process fails the test. */
export function realContext(): TriedContext {
  const runDir = mkdtempSync(join(tmpdir(), "dynbench-run-"));
  const stop = new AbortController();
  const supervisor = startSupervisor({
    self: SELF,
    marker: crypto.randomUUID(),
    logDir: runDir,
    host: "127.0.0.1",
    seed: 0,
    signal: stop.signal,
    onDeath: ({ name, lastLines }) => {
      void Promise.reject(new Error(`${name} died:\n${lastLines.join("\n")}`));
    },
  });
  return {
    signal: stop.signal,
    log: silentLog,
    runDir,
    processes: supervisor,
    host: "127.0.0.1",
    replicas: 1,
    seed: 0,
    engineArgs: [],
    abort: () => stop.abort(),
    get running() {
      return new Set(supervisor.list().map(({ name }) => name));
    },
    [Symbol.asyncDispose]: async () => {
      await supervisor[Symbol.asyncDispose]();
      rmSync(runDir, { recursive: true, force: true });
    },
  };
}
