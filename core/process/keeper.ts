/**
 * The keeper: one child per run that owns every foreign program and outlives the main process.
 *
 * The main process can die in ways it cannot clean up after (SIGKILL, out of memory). The keeper
 * notices by the end of its stdin, ends every process group that it started or watches (TERM,
 * then KILL), and then whatever else carries the run's marker in its environment: a program that
 * forked itself out of its group still inherits that.
 */
import { given } from "../base/given.ts";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import {
  KeeperRequestSchema,
  parseMessage,
  type KeeperAnswer,
  type KeeperRequest,
} from "./messages.ts";
import { withoutProxies } from "./proxies.ts";
import { messageOf } from "../base/errors.ts";
import { whyNot } from "../base/why-not.ts";

/** Environment variable that every process of a run carries; its value is the run's marker. */
export const MARKER_VARIABLE = "DYNBENCH_RUN";

/** Between TERM and KILL when the main process is gone: nobody waits for a slow shutdown then. */
const ORPHAN_GRACE_MS = 1500;
const GROUP_POLL_MS = 20;
/** How often, and how many times, the process table is swept for strays. */
const SWEEP_INTERVAL_MS = 100;
const SWEEP_LIMIT = 50;

/**
 * Serves requests until stdin ends or one is malformed, then leaves nothing of the run behind. Returns
 * the exit code.
 */
export async function runKeeper(marker: string, requests: AsyncIterable<string>): Promise<number> {
  const running = new Map<number, { pid: number; exited: Promise<unknown> }>();
  const watched = new Set<number>();

  let exitCode = 0;
  for await (const line of requests) {
    let request: KeeperRequest;
    try {
      request = parseMessage(KeeperRequestSchema, line);
    } catch (error) {
      const message = `a request to it is malformed: ${messageOf(error)}`;
      answer({ type: "failed", code: "bug", message });
      exitCode = 1;
      break;
    }
    if (request.type === "watch") watched.add(request.pid);
    else if (request.type === "unwatch") watched.delete(request.pid);
    else if (request.type === "start") startForeign(request, marker, running);
    else void stopForeign(request, running);
  }

  const groups = [...watched, ...[...running.values()].map((child) => child.pid)];
  for (const pid of groups) signalGroup(pid, "SIGTERM");
  const deadline = performance.now() + ORPHAN_GRACE_MS;
  while (performance.now() < deadline && anyIsAlive(groups)) await Bun.sleep(GROUP_POLL_MS);
  for (const pid of groups) signalGroup(pid, "SIGKILL");
  await killMarked(marker);
  return exitCode;
}

function startForeign(
  request: Extract<KeeperRequest, { type: "start" }>,
  marker: string,
  running: Map<number, { pid: number; exited: Promise<unknown> }>,
): void {
  const env = { ...process.env, ...request.env };
  let log: number | undefined;
  try {
    log = openSync(request.logPath, "a");
    const child = Bun.spawn([...request.command], {
      detached: true, // its own process group, so that its children end with it
      // Held open it closes when the keeper ends, which a remote shell passes on.
      stdin: request.holdsStdin ? "pipe" : "ignore",
      stdout: log,
      stderr: log,
      env: { ...env, ...withoutProxies(env), [MARKER_VARIABLE]: marker },
      ...given({ cwd: request.cwd }),
      onExit: (_, code, signal) => {
        running.delete(request.id);
        signalGroup(child.pid, "SIGKILL"); // what a dead leader leaves behind holds ports and GPUs
        answer({
          type: "exited",
          id: request.id,
          code,
          signal: signal === null ? null : String(child.signalCode ?? signal),
        });
      },
    });
    running.set(request.id, { pid: child.pid, exited: child.exited });
    answer({ type: "started", id: request.id, pid: child.pid });
  } catch (error) {
    answer({ type: "refused", id: request.id, message: whyNot(error) });
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

async function stopForeign(
  request: Extract<KeeperRequest, { type: "stop" }>,
  running: Map<number, { pid: number; exited: Promise<unknown> }>,
): Promise<void> {
  const child = running.get(request.id);
  if (!child) return;
  signalGroup(child.pid, "SIGTERM");
  await Promise.race([child.exited, Bun.sleep(request.graceMs)]);
  signalGroup(child.pid, "SIGKILL");
}

/**
 * Kills every process that carries the marker, except this one, and its group: a program that renames
 * itself (vLLM's engine) overwrites its environment and carries no marker any more. Groups are the
 * run's own, because all its children lead theirs. Repeats until none is left.
 */
export async function killMarked(marker: string): Promise<number> {
  let killed = 0;
  for (let sweep = 0; sweep < SWEEP_LIMIT; sweep += 1) {
    const pids = markedPids(marker);
    if (pids.length === 0) return killed;
    for (const pid of pids) {
      const group = statOf(pid)?.group;
      if (group !== undefined && group !== statOf(process.pid)?.group)
        signalGroup(group, "SIGKILL");
      try {
        process.kill(pid, "SIGKILL");
        killed += 1;
      } catch {
        // gone in the meantime
      }
    }
    await Bun.sleep(SWEEP_INTERVAL_MS);
  }
  return killed;
}

/** Processes with the marker in their environment. Linux only, else none. */
export function markedPids(marker: string): number[] {
  return markedProcesses().flatMap((one) => (one.marker === marker ? [one.pid] : []));
}

export interface MarkedProcess {
  readonly pid: number;
  readonly marker: string;
}

/** Processes of any run, this process left out. Linux only, else none. */
export function markedProcesses(): MarkedProcess[] {
  return livePids().flatMap((pid) => {
    const marker = pid === process.pid ? undefined : markerOf(pid);
    return marker === undefined ? [] : [{ pid, marker }];
  });
}

/** Undefined for a process that carries none, is not ours to look into, or is gone. */
function markerOf(pid: number): string | undefined {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
    return entries.find((entry) => entry.startsWith(MARKER_PREFIX))?.slice(MARKER_PREFIX.length);
  } catch {
    return undefined;
  }
}

/** Live processes of the group; a program that renames itself loses its marker and stays in it. */
export function groupMembers(group: number): number[] {
  return livePids().filter((pid) => statOf(pid)?.group === group);
}

const MARKER_PREFIX = `${MARKER_VARIABLE}=`;

/** Ends what carries the marker: TERM, then KILL for it and its groups. */
export async function endMarked(marker: string): Promise<void> {
  const groups = new Set(markedPids(marker).map((pid) => statOf(pid)?.group));
  const own = statOf(process.pid)?.group;
  for (const group of groups) {
    if (group !== undefined && group !== own) signalGroup(group, "SIGTERM");
  }
  const deadline = performance.now() + ORPHAN_GRACE_MS;
  while (performance.now() < deadline && markedPids(marker).length > 0) {
    await Bun.sleep(GROUP_POLL_MS);
  }
  await killMarked(marker);
}

/** Every process that still runs; one that has ended and was not yet fetched by its parent does not. */
function livePids(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => statOf(pid)?.isLive === true);
  } catch {
    return [];
  }
}

export interface ProcessStat {
  readonly isLive: boolean;
  readonly group: number;
  /** In the kernel's ticks since it came up: of two processes the younger has more. */
  readonly startTicks: number;
}

/** Linux's /proc/PID/stat; undefined where there is no such process. */
export function statOf(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
}

/** Fields 3, 5 and 22 of proc_pid_stat(5); the name before them may hold anything, brackets too. Pure. */
export function parseStat(text: string): ProcessStat | undefined {
  const match = /^.*\) (\S) \d+ (\d+)(?: -?\d+){16} (\d+) /s.exec(text);
  if (!match) return undefined;
  const [, state, group, startTicks] = match;
  return {
    isLive: !"ZX".includes(state!),
    group: Number(group),
    startTicks: Number(startTicks),
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // the group is gone
  }
}

function anyIsAlive(groups: readonly number[]): boolean {
  const there = groups.filter(groupIsThere);
  if (there.length === 0 || process.platform !== "linux") return there.length > 0;
  // A group whose members all wait to be fetched is over, though it can still be signalled.
  return livePids().some((pid) => there.includes(statOf(pid)?.group ?? 0));
}

function groupIsThere(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

function answer(message: KeeperAnswer): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
