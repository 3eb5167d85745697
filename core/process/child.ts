/**
 * The other end of `supervisor.ts`: the entry of a child of this binary.
 *
 * A child gets one message on stdin and nothing else: no closures, no environment of ours. It writes
 * `ready` or `failed` to stdout, one JSON object a line, logs to stderr, and ends when its stdin
 * closes, which happens however its parent ended.
 */
import { given } from "../base/given.ts";
import { runKeeper } from "./keeper.ts";
import { DynbenchError, messageOf } from "../base/errors.ts";
import type { Engine } from "../contract/engine.ts";
import type { ChildContext, Logger } from "../contract/processes.ts";
import type { Router } from "../contract/router.ts";
import type { Workload } from "../contract/workload.ts";
import type { RoutingPolicy } from "../contract/routing-policy.ts";
import {
  ChildMessageSchema,
  parseMessage,
  type ChildAnswer,
  type ChildMessage,
  type GatewayTask,
  type LoadTask,
} from "./messages.ts";
import { monotonicNs } from "../system/clock.ts";
import type { Plugins } from "../contract/plugins.ts";

/** A child that has not ended this long after its stdin closed is stuck, and ends itself. */
const DISPOSE_LIMIT_MS = 2000;
/** How often a child that serves looks at the clock, and by how much it must be late to report it. */
const WATCH_MS = 100;
const PAUSE_MS = 400;

type Running = AsyncDisposable & { readonly ready: unknown };

/** The code of each role, imported only by the child that needs it; handed in by `main.ts`. */
export interface ChildRoles {
  gateway(): Promise<
    (task: GatewayTask, deps: { policy: RoutingPolicy; log: Logger }) => Promise<Running>
  >;
  load(): Promise<
    (
      task: LoadTask,
      deps: { workload: Workload; emit(line: string): void; signal: AbortSignal },
    ) => Promise<void>
  >;
}

/** Runs the role named in the first line of stdin, until stdin closes or the role is done. */
export async function runChild(plugins: Plugins, roles: ChildRoles): Promise<number> {
  keepStdoutClean();
  const stop = new AbortController();
  const lines = stdinLines(() => stop.abort());
  const first = await lines.next();
  if (first.done) return 0;
  try {
    const message = messageOnStdin(first.value);
    if (message.role === "keeper") return await runKeeper(message.marker, lines);
    const stdinEnds = (async () => {
      for await (const _ of lines) continue; // nothing more is expected; this waits for the end
    })();
    await using running = await start(message, { plugins, roles, signal: stop.signal });
    if (running === undefined) return 0;
    answer({ type: "ready", ready: running.ready });
    reportPauses();
    await stdinEnds;
    setTimeout(() => process.exit(0), DISPOSE_LIMIT_MS).unref();
  } catch (error) {
    answer(failure(error));
    if (!(error instanceof DynbenchError)) console.error(error);
    return 1;
  }
  return 0;
}

/** Whatever held this process, it served nobody: suspended, starved of the processor, or busy with one thing. */
function reportPauses(): void {
  let dueNs = monotonicNs() + WATCH_MS * 1e6;
  setInterval(() => {
    const nowNs = monotonicNs();
    const ms = (nowNs - dueNs) / 1e6;
    dueNs = nowNs + WATCH_MS * 1e6;
    if (ms >= PAUSE_MS) answer({ type: "paused", ms });
  }, WATCH_MS).unref();
}

function messageOnStdin(line: string): ChildMessage {
  try {
    return parseMessage(ChildMessageSchema, line);
  } catch (cause) {
    throw new Error(`its message on stdin is malformed: ${messageOf(cause)}`, { cause });
  }
}

async function start(
  message: Exclude<ChildMessage, { role: "keeper" }>,
  { plugins, roles, signal }: { plugins: Plugins; roles: ChildRoles; signal: AbortSignal },
): Promise<Running | undefined> {
  const log = stderrLogger();
  const plugin = await plugins.load(message.use);
  switch (message.role) {
    case "engine": {
      const engine = plugin as Engine;
      const context: ChildContext = { ...message, signal, log };
      if (!engine.serve) throw new Error(`engine "${engine.name}" has no serve()`);
      return engine.serve(message.use.options, message.task, context);
    }
    case "gateway": {
      const router = plugin as Router;
      if (!router.policy) throw new Error(`router "${router.name}" has no policy()`);
      const startGateway = await roles.gateway();
      return startGateway(message.task, { policy: router.policy(message.use.options), log });
    }
    case "load": {
      const runLoad = await roles.load();
      const emit = (line: string): void => void process.stdout.write(line);
      await runLoad(message.task, { workload: plugin as Workload, emit, signal });
      await flushed();
      return undefined;
    }
  }
}

/** Lines of stdin as they come; `onEnd` is called at once when it closes, even between reads. */
async function* stdinLines(onEnd: () => void): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const bytes of Bun.stdin.stream()) {
      rest += decoder.decode(bytes, { stream: true });
      for (let end = rest.indexOf("\n"); end !== -1; end = rest.indexOf("\n")) {
        yield rest.slice(0, end);
        rest = rest.slice(end + 1);
      }
    }
  } finally {
    onEnd();
  }
}

/** Stdout carries only messages; what a plugin prints with `console` goes to the log. */
function keepStdoutClean(): void {
  for (const name of ["log", "info", "debug"] as const) console[name] = console.error;
}

function answer(message: ChildAnswer): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** An error as the main process gets it. */
function failure(error: unknown): Extract<ChildAnswer, { type: "failed" }> {
  const isOurs = error instanceof DynbenchError;
  const hint = isOurs ? error.hint : undefined;
  const code = isOurs ? error.code : "bug";
  return { type: "failed", code, message: messageOf(error), ...given({ hint }) };
}

function flushed(): Promise<void> {
  return new Promise((resolve) => process.stdout.write("", () => resolve()));
}

function stderrLogger(): Logger {
  const line = (level: string) => (message: string) => console.error(`${level} ${message}`);
  return { info: line("info"), warn: line("warn"), error: line("error"), debug: () => {} };
}
