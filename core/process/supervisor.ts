/**
 * Starts and ends every process of a run.
 *
 * Children of this binary get one message on stdin and end when it closes. Foreign programs live
 * under the keeper. A process that ends before it was asked to is reported once, by name, with its
 * last log lines: that is how a dead worker is noticed at once.
 */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { CHILD_ARGUMENT } from "./child-argument.ts";
import { endOf, lastWords, reasonIn } from "./death.ts";
import { killGroup, startKeeper, type Keeper, type KeeperOptions } from "./keeper-client.ts";
import { ChildAnswerSchema, messageFrom, type ChildAnswer, type ChildMessage } from "./messages.ts";
import { MARKER_VARIABLE } from "./keeper.ts";
import { endOfFile, EXPLAINED_LINES, LAST_LINES, lastLinesOf, linesOf, signalOf } from "./lines.ts";
import { DynbenchError } from "../base/errors.ts";
import { given } from "../base/given.ts";
import type { ProcessHandle, Processes } from "../contract/processes.ts";

/** From closing a child's stdin to killing it: children end themselves after two seconds. */
const CHILD_GRACE_MS = 3000;
/** A child of ours opens ports and reads a model's tokenizer at most; a minute is a busy machine's. */
const READY_LIMIT_MS = 60_000;

/** A process as it was started, for `facts.json`. */
export interface StartedCommand {
  readonly name: string;
  readonly pid: number;
  readonly command: readonly string[];
  /** Only variables that we set; whoever stores them masks secret values. */
  readonly env: Readonly<Record<string, string>>;
}

export interface SupervisorOptions extends KeeperOptions {
  readonly host: string;
  readonly seed: number;
  /** Ends the waiting for children that are not ready yet. */
  readonly signal: AbortSignal;
  readonly onStart?: (command: StartedCommand) => void;
  readonly readyLimitMs?: number;
}

export interface LineChild extends ProcessHandle {
  /** Lines the child writes to stdout after `ready`, or all of them for roles that are never ready. */
  readonly lines: AsyncIterable<string>;
}

/** A child of this binary that did nothing for a while. */
export interface Pause {
  readonly name: string;
  readonly ms: number;
}

export interface Supervisor extends Processes, AsyncDisposable {
  /** A child of this binary that becomes ready and then stays until disposed. */
  startReady(message: ChildMessage & { name: string }): Promise<ProcessHandle & { ready: unknown }>;
  /** A child of this binary that writes lines and ends by itself. */
  startLines(message: ChildMessage & { name: string }): LineChild;
  /** Of all children that serve, since the start; grows as they report them. */
  readonly pauses: readonly Pause[];
  /** Names and pids of what is running. */
  list(): readonly { name: string; pid: number }[];
}

export function startSupervisor(options: SupervisorOptions): Supervisor {
  const keeper = startKeeper(options);
  const live = new Set<ProcessHandle>();
  const pauses: Pause[] = [];
  options.onStart?.({
    name: "keeper",
    pid: keeper.pid,
    command: [...options.self, CHILD_ARGUMENT],
    env: {},
  });

  const track = <T extends ProcessHandle>(handle: T): T => {
    live.add(handle);
    void handle.exited.then(() => live.delete(handle));
    return handle;
  };

  const startReady: Supervisor["startReady"] = async (message) => {
    options.signal.throwIfAborted();
    const child = spawnSelf(message, options, keeper);
    track(child.handle);
    try {
      const ready = await firstAnswer(message.name, child, options);
      child.reportDeath();
      void takePauses(message.name, child, pauses);
      return { ...child.handle, ready };
    } catch (error) {
      await child.handle[Symbol.asyncDispose]();
      throw error;
    }
  };

  return {
    startReady,
    pauses,
    startLines: (message) => {
      const child = spawnSelf(message, options, keeper);
      return { ...track(child.handle), lines: child.lines };
    },
    startSelf: (name, use, task) =>
      startReady({ role: "engine", name, host: options.host, seed: options.seed, use, task }),
    startForeign: async (name, command, details = {}) => {
      options.signal.throwIfAborted();
      const handle = track(await keeper.start(name, command, details));
      options.onStart?.({ name, pid: handle.pid, command, env: details.env ?? {} });
      return handle;
    },
    list: () => [...live].map(({ name, pid }) => ({ name, pid })),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...live].map((handle) => handle[Symbol.asyncDispose]()));
      await keeper[Symbol.asyncDispose]();
    },
  };
}

/** Content of the child's `ready`. Throws when the child fails, ends or exceeds the limit, or the run is stopped. */
async function firstAnswer(
  name: string,
  child: SelfChild,
  { signal, readyLimitMs = READY_LIMIT_MS }: SupervisorOptions,
): Promise<unknown> {
  const limit = AbortSignal.timeout(readyLimitMs);
  const stopped = Promise.withResolvers<"stopped">();
  const stop = (): void => stopped.resolve("stopped");
  for (const one of [signal, limit]) one.addEventListener("abort", stop, { once: true });
  const first = await Promise.race([answerOf(name, child), stopped.promise]);
  for (const one of [signal, limit]) one.removeEventListener("abort", stop);
  const lastLines = (): string => lastWords(child.handle.lastLines(LAST_LINES), child.logPath);
  if (first === "stopped") {
    signal.throwIfAborted();
    throw new DynbenchError(
      "start",
      `Cannot start ${name}: it was not ready after ${readyLimitMs / 1000} s`,
      { hint: lastLines() },
    );
  }
  if (first?.type === "ready") return first.ready;
  if (first?.type === "failed") {
    throw new DynbenchError(
      first.code === "bug" ? "start" : first.code,
      `Cannot start ${name}: ${first.message}`,
      { hint: first.hint ?? `See ${child.logPath}` },
    );
  }
  const { code, signal: killer } = await child.handle.exited;
  const reason = reasonIn(child.handle.lastLines(EXPLAINED_LINES), { signal: killer });
  const why = reason === undefined ? "" : `: ${reason.what}`;
  throw new DynbenchError(
    "start",
    `Cannot start ${name}: it ended (${endOf(code, killer)})${why}`,
    {
      hint: lastLines(),
    },
  );
}

/** The first line that is an answer: a plugin may print other lines to stdout before it. */
async function answerOf(
  name: string,
  { lines, logPath }: SelfChild,
): Promise<ChildAnswer | undefined> {
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    const line = next.value;
    if (isAnswer(line)) return messageFrom({ name, logPath }, ChildAnswerSchema, line);
  }
  return undefined;
}

/** Reads a child that serves to its end; what a plugin of it prints to stdout is passed over. */
async function takePauses(name: string, { lines }: SelfChild, pauses: Pause[]): Promise<void> {
  for await (const line of lines) {
    if (!isAnswer(line)) continue;
    const answer = JSON.parse(line) as ChildAnswer;
    if (answer.type === "paused") pauses.push({ name, ms: answer.ms });
  }
}

function isAnswer(line: string): boolean {
  try {
    const { type } = (JSON.parse(line) ?? {}) as { type?: unknown };
    return type === "ready" || type === "failed" || type === "paused";
  } catch {
    return false;
  }
}

interface SelfChild {
  readonly handle: ProcessHandle;
  readonly lines: AsyncGenerator<string, void>;
  readonly logPath: string;
  /** From now on an end that nobody asked for is a death. Before, whoever waits for `ready` reports it. */
  reportDeath(): void;
}

function spawnSelf(
  message: ChildMessage & { name: string },
  options: SupervisorOptions,
  keeper: Keeper,
): SelfChild {
  const { name } = message;
  const logPath = join(options.logDir, `${name}.log`);
  const command = [...options.self, CHILD_ARGUMENT];
  const env = { [MARKER_VARIABLE]: options.marker };
  // A process of the same name may have written to the log before.
  const logStart = endOfFile(logPath);
  const log = openSync(logPath, "a");
  let isWanted = false;
  let hasEnded = false;
  const died = (): void => {
    const lines = lastLinesOf(logPath, EXPLAINED_LINES, logStart);
    const signal = signalOf(child);
    options.onDeath({
      ...{ name, code: child.exitCode, signal, logPath },
      lastLines: lines.slice(-LAST_LINES),
      ...given({ reason: reasonIn(lines, { signal }) }),
    });
  };
  const child = Bun.spawn(command, {
    detached: true, // Ctrl-C is for the main process alone
    stdin: "pipe",
    stdout: "pipe",
    stderr: log,
    env: { ...process.env, ...env },
    onExit: () => {
      hasEnded = true;
      keeper.unwatch(child.pid);
      if (isWanted) died();
    },
  });
  closeSync(log);
  keeper.watch(child.pid);
  options.onStart?.({ name, pid: child.pid, command, env });
  void child.stdin.write(`${JSON.stringify(message)}\n`);
  void Promise.resolve(child.stdin.flush()).catch(() => {}); // the end of a child that is gone is reported

  const handle: ProcessHandle = {
    name,
    pid: child.pid,
    exited: child.exited.then(() => ({ code: child.exitCode, signal: signalOf(child) })),
    lastLines: (count) => lastLinesOf(logPath, count, logStart),
    [Symbol.asyncDispose]: async () => {
      isWanted = false;
      if (hasEnded) return;
      void Promise.resolve(child.stdin.end()).catch(() => {});
      const kill = setTimeout(() => killGroup(child.pid), CHILD_GRACE_MS);
      await child.exited;
      clearTimeout(kill);
    },
  };
  const reportDeath = (): void => {
    isWanted = true;
    if (hasEnded) died(); // between its `ready` and now
  };
  return { handle, lines: linesOf(child.stdout), logPath, reportDeath };
}
