/**
 * Starts and ends every process of a run.
 *
 * Children of this binary get one message on stdin and end when it closes. Foreign programs live
 * under the keeper. A process that ends before it was asked to is reported once, by name, with its
 * last log lines: that is how a dead worker is noticed at once.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChildAnswer, ChildMessage } from "./child.ts";
import { CHILD_ARGUMENT } from "./child-argument.ts";
import { MARKER_VARIABLE, type KeeperAnswer, type KeeperRequest } from "./keeper.ts";
import { DynbenchError } from "../errors.ts";
import type { ProcessHandle, Processes } from "../plugin.ts";

/** From closing a child's stdin to killing it: children end themselves after two seconds. */
const CHILD_GRACE_MS = 3000;
/** Foreign engines may need this long to leave (vLLM: 4–8 s measured on a busy machine). */
const FOREIGN_GRACE_MS = 15_000;
/** Enough for a Python traceback's last frames. */
const LAST_LINES = 20;

export interface Death {
  readonly name: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastLines: readonly string[];
  readonly logPath: string;
}

/** Keys of the environment that children get; a run must not depend on the user's shell beyond these. */
export interface SupervisorOptions {
  /** Command that starts this program again. */
  readonly self: readonly string[];
  /** Value of the marker variable; unique to the run. */
  readonly marker: string;
  readonly logDir: string;
  readonly host: string;
  readonly seed: number;
  readonly onDeath: (death: Death) => void;
}

export interface LineChild extends ProcessHandle {
  /** Lines the child writes to stdout after `ready`, or all of them for roles that are never ready. */
  readonly lines: AsyncIterable<string>;
}

export interface Supervisor extends Processes, AsyncDisposable {
  /** A child of this binary that becomes ready and then stays until disposed. */
  startReady(message: ChildMessage & { name: string }): Promise<ProcessHandle & { ready: unknown }>;
  /** A child of this binary that writes lines and ends by itself. */
  startLines(message: ChildMessage & { name: string }): LineChild;
  /** Names and pids of what is running. */
  list(): readonly { name: string; pid: number }[];
}

export function startSupervisor(options: SupervisorOptions): Supervisor {
  const keeper = startKeeper(options);
  const live = new Map<string, ProcessHandle>();

  const track = <T extends ProcessHandle>(handle: T): T => {
    live.set(handle.name, handle);
    void handle.exited.then(() => live.delete(handle.name));
    return handle;
  };

  const startReady: Supervisor["startReady"] = async (message) => {
    const child = spawnSelf(message, options, keeper);
    const first = await child.lines[Symbol.asyncIterator]().next();
    const answer = first.done ? undefined : (JSON.parse(first.value) as ChildAnswer);
    if (answer?.type === "ready") {
      child.reportDeath();
      return track({ ...child.handle, ready: answer.ready });
    }
    await child.handle[Symbol.asyncDispose]();
    if (answer?.type === "failed") {
      throw new DynbenchError(
        answer.code === "bug" ? "start" : answer.code,
        `Cannot start ${message.name}: ${answer.message}`,
        { hint: answer.hint ?? `See ${child.logPath}` },
      );
    }
    const { code, signal } = await child.handle.exited;
    throw new DynbenchError(
      "start",
      `Cannot start ${message.name}: it ended (${endOf(code, signal)})`,
      {
        hint: lastWords(child.handle.lastLines(LAST_LINES), child.logPath),
      },
    );
  };

  return {
    startReady,
    startLines: (message) => {
      const child = spawnSelf(message, options, keeper);
      return track({ ...child.handle, lines: child.lines });
    },
    startSelf: (name, use, task) =>
      startReady({ role: "engine", name, host: options.host, seed: options.seed, use, task }),
    startForeign: async (name, command, details = {}) =>
      track(await keeper.start(name, command, details)),
    list: () => [...live.values()].map(({ name, pid }) => ({ name, pid })),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...live.values()].map((handle) => handle[Symbol.asyncDispose]()));
      await keeper[Symbol.asyncDispose]();
    },
  };
}

/** How a process ended, in words. */
export function endOf(code: number | null, signal: string | null): string {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`;
}

export function lastWords(lines: readonly string[], logPath: string): string {
  return lines.length === 0
    ? `Its log is empty: ${logPath}`
    : `Last lines of ${logPath}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

interface SelfChild {
  readonly handle: ProcessHandle;
  readonly lines: AsyncIterable<string>;
  readonly logPath: string;
  /** From now on an end that nobody asked for is a death. Before, whoever waits for `ready` tells it. */
  reportDeath(): void;
}

function spawnSelf(
  message: ChildMessage & { name: string },
  options: SupervisorOptions,
  keeper: Keeper,
): SelfChild {
  const logPath = join(options.logDir, `${message.name}.log`);
  const log = openSync(logPath, "a");
  let isWanted = false;
  const child = Bun.spawn([...options.self, CHILD_ARGUMENT], {
    detached: true, // Ctrl-C is for the main process alone
    stdin: "pipe",
    stdout: "pipe",
    stderr: log,
    env: { ...process.env, [MARKER_VARIABLE]: options.marker },
    onExit: (_, code, signalNumber) => {
      if (!isWanted) return;
      const signal = signalNumber === null ? null : String(child.signalCode ?? signalNumber);
      options.onDeath({
        name: message.name,
        code,
        signal,
        lastLines: tail(logPath, LAST_LINES),
        logPath,
      });
    },
  });
  closeSync(log);
  keeper.watch(child.pid);
  child.stdin.write(`${JSON.stringify(message)}\n`);
  void child.stdin.flush();

  const exited = child.exited.then((code) => ({
    code,
    signal: child.signalCode === null ? null : String(child.signalCode),
  }));
  const handle: ProcessHandle = {
    name: message.name,
    pid: child.pid,
    exited,
    lastLines: (count) => tail(logPath, count),
    [Symbol.asyncDispose]: async () => {
      isWanted = false;
      void child.stdin.end();
      const kill = setTimeout(() => killGroup(child.pid), CHILD_GRACE_MS);
      await child.exited;
      clearTimeout(kill);
    },
  };
  return {
    handle,
    lines: linesOf(child.stdout),
    logPath,
    reportDeath: () => {
      isWanted = true;
    },
  };
}

interface Keeper extends AsyncDisposable {
  start: (
    name: string,
    command: readonly string[],
    details: { env?: Readonly<Record<string, string>>; cwd?: string },
  ) => Promise<ProcessHandle>;
  watch(pid: number): void;
}

function startKeeper(options: SupervisorOptions): Keeper {
  // The keeper itself carries no marker, or it would be swept with the rest.
  const { [MARKER_VARIABLE]: _, ...env } = process.env;
  const keeper = Bun.spawn([...options.self, CHILD_ARGUMENT], {
    detached: true,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    env,
  });
  const send = (message: KeeperRequest | ChildMessage): void => {
    keeper.stdin.write(`${JSON.stringify(message)}\n`);
    void keeper.stdin.flush();
  };
  send({ role: "keeper", marker: options.marker });

  const waiting = new Map<number, (answer: KeeperAnswer) => void>();
  const exits = new Map<number, (end: { code: number | null; signal: string | null }) => void>();
  void (async () => {
    for await (const line of linesOf(keeper.stdout)) {
      const answer = JSON.parse(line) as KeeperAnswer;
      if (answer.type === "exited") exits.get(answer.id)?.(answer);
      else waiting.get(answer.id)?.(answer);
    }
  })();

  let nextId = 0;
  return {
    watch: (pid) => send({ type: "watch", pid }),
    start: async (name, command, { env: extra = {}, cwd }) => {
      const id = nextId++;
      const logPath = join(options.logDir, `${name}.log`);
      const answered = new Promise<KeeperAnswer>((resolve) => waiting.set(id, resolve));
      let isWanted = true;
      const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
        exits.set(id, ({ code, signal }) => {
          resolve({ code, signal });
          if (!isWanted) return;
          options.onDeath({ name, code, signal, lastLines: tail(logPath, LAST_LINES), logPath });
        }),
      );
      send({ type: "start", id, name, command, env: extra, cwd, logPath });
      const answer = await answered;
      if (answer.type !== "started") {
        const reason = answer.type === "refused" ? answer.message : "no answer";
        throw new DynbenchError("start", `Cannot start ${name}: ${reason}`, {
          hint: `Check that "${command[0]}" is installed and on PATH`,
        });
      }
      return {
        name,
        pid: answer.pid,
        exited,
        lastLines: (count) => tail(logPath, count),
        [Symbol.asyncDispose]: async () => {
          isWanted = false;
          send({ type: "stop", id, graceMs: FOREIGN_GRACE_MS });
          await exited;
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      void keeper.stdin.end();
      await keeper.exited;
    },
  };
}

/** Lines of a byte stream; a last line without newline is told too. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    let start = 0;
    for (let end = rest.indexOf("\n", start); end !== -1; end = rest.indexOf("\n", start)) {
      yield rest.slice(start, end);
      start = end + 1;
    }
    rest = rest.slice(start);
  }
  if (rest !== "") yield rest;
}

function tail(path: string, count: number): string[] {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.filter((line) => line.trim() !== "").slice(-count);
  } catch {
    return [];
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // gone
  }
}
