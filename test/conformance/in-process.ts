/**
 * `Processes` without processes: a child's `serve` runs in this process, so that an engine or router
 * is tested as a whole in milliseconds. Everything started is listed, and must have ended after disposal.
 */
import { DynbenchError } from "dynbench";
import type { Engine, Processes, StartContext } from "dynbench/engine";

export interface InProcess {
  readonly processes: Processes;
  /** Names of the children that run now. */
  readonly running: ReadonlySet<string>;
}

/** The part of an engine that is needed: nothing, where no children are started. */
type Serving = Pick<Engine<any>, "name" | "serve">;

/** Runs children of `engine` in this process. */
export function inProcess(engine: Serving, context: Pick<StartContext, "signal">): InProcess {
  const running = new Set<string>();
  const processes: Processes = {
    startSelf: async (name, use, task) => {
      context.signal.throwIfAborted();
      if (!engine.serve) throw new Error(`engine "${engine.name}" has no serve()`);
      // What crosses the border between processes is JSON.
      const crossed = JSON.parse(JSON.stringify({ options: use.options, task }));
      const served = await engine.serve(crossed.options, crossed.task, {
        name,
        signal: context.signal,
        log: silentLog,
        host: "127.0.0.1",
        seed: 0,
      });
      running.add(name);
      const { promise: exited, resolve } = Promise.withResolvers<ExitStatus>();
      return {
        name,
        pid: process.pid,
        ready: JSON.parse(JSON.stringify(served.ready)),
        exited,
        lastLines: () => [],
        [Symbol.asyncDispose]: async () => {
          await served[Symbol.asyncDispose]();
          running.delete(name);
          resolve({ code: 0, signal: null });
        },
      };
    },
    startForeign: (name) => {
      throw new DynbenchError(
        "start",
        `Cannot start ${name}: foreign programs need real processes`,
      );
    },
  };
  return { processes, running };
}

interface ExitStatus {
  readonly code: number | null;
  readonly signal: string | null;
}

export const silentLog = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };

/** A start context, the means to abort it, and what it started that still runs. */
export interface TriedContext extends StartContext {
  readonly abort: () => void;
  /** Names of what was started and has not ended. */
  readonly running: ReadonlySet<string>;
  /** Ends whatever the context itself needs. */
  [Symbol.asyncDispose]?(): Promise<void>;
}

/** A start context around `inProcess`. */
export function inProcessContext(engine: Serving, runDir: string): TriedContext {
  const stop = new AbortController();
  const { processes, running } = inProcess(engine, stop);
  return {
    signal: stop.signal,
    log: silentLog,
    runDir,
    processes,
    host: "127.0.0.1",
    replicas: 1,
    seed: 0,
    engineArgs: [],
    abort: () => stop.abort(),
    running,
  };
}
