/**
 * What runs left that a power cut, an out-of-memory kill or a SIGKILL ended with their keeper:
 * processes that carry a run's marker, temporary folders, and folders of Dynamo's discovery. Ours is
 * what this user owns in this container, and whose main process is gone.
 */
import { readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Check } from "./check.ts";
import { counted } from "../base/counted.ts";
import { makerOf } from "../system/temporary-name.ts";
import { whyNot } from "../base/why-not.ts";
import {
  endMarked,
  groupMembers,
  markedProcesses,
  statOf,
  type ProcessStat,
} from "../process/keeper.ts";

export interface Leftovers {
  readonly processes: readonly LeftProcess[];
  readonly folders: readonly string[];
}

export interface LeftProcess {
  readonly pid: number;
  readonly marker: string;
  /** As it was started; empty where that is not known. */
  readonly command: string;
}

/** `runs`: the folder that holds run folders. */
export function findLeftovers(runs: string): Leftovers {
  const processes = markedProcesses()
    .filter(({ pid, marker }) => isOurs(pid) && !isOfLivingRun(marker, statOf(pid)))
    .flatMap(({ pid, marker }) => withGroup(pid).map((each) => ({ pid: each, marker })));
  const once = new Map(processes.map(({ pid, marker }) => [pid, marker]));
  const left = Array.from(once, ([pid, marker]) => ({ pid, marker, command: commandOf(pid) }));
  return { processes: left, folders: [...temporaryFolders(), ...discoveryFolders(runs)] };
}

/** Leftovers that could not be removed, each with its reason. */
export async function removeLeftovers({ processes, folders }: Leftovers): Promise<string[]> {
  const markers = new Set(processes.map(({ marker }) => marker));
  await Promise.all(Array.from(markers, endMarked));
  const still = processes.filter(({ pid }) => statOf(pid)?.isLive === true);
  const refused = folders.flatMap((folder) => {
    const why = removeFolder(folder);
    return why === undefined ? [] : [`${folder}: ${why}`];
  });
  return [...still.map(({ pid, command }) => `process ${pid} ${command}`), ...refused];
}

/** Pure. */
export function leftoversCheck({ processes, folders }: Leftovers): Check {
  const of = { group: "dead runs", name: "left over" } as const;
  if (processes.length === 0 && folders.length === 0)
    return { ...of, state: "ok", found: "nothing" };
  const found = [
    ...(processes.length > 0 ? [counted(processes.length, "process", "processes")] : []),
    ...(folders.length > 0 ? [counted(folders.length, "folder")] : []),
  ].join(", ");
  const next = "dynbench doctor --clean lists and removes them";
  return { ...of, state: "warning", found, next };
}

/**
 * A marker is `PID-TIME` of the run's main process. That number may be another process's by now; such a
 * one is younger than what the run started. Both counts of ticks are the kernel's, so no clock that was
 * set in between deceives. Pure but for `stat`.
 */
export function isOfLivingRun(
  marker: string,
  process: ProcessStat | undefined,
  stat: (pid: number) => ProcessStat | undefined = statOf,
): boolean {
  const match = /^(\d+)-\d+$/.exec(marker);
  if (!match || process === undefined) return true; // not a run's, or gone: nothing to end
  const main = stat(Number(match[1]));
  return main?.isLive === true && main.startTicks <= process.startTicks;
}

/** Owned by this user and, for numbers of processes to mean the same, of this container. */
function isOurs(pid: number): boolean {
  try {
    const here = readlinkSync("/proc/self/ns/pid");
    return (
      statSync(`/proc/${pid}`).uid === process.getuid?.() &&
      readlinkSync(`/proc/${pid}/ns/pid`) === here
    );
  } catch {
    return false;
  }
}

/** It and the rest of its group, which endMarked ends with it; never the group that we are in. */
function withGroup(pid: number): number[] {
  const group = statOf(pid)?.group;
  const isShared = group === undefined || group === statOf(process.pid)?.group;
  return isShared ? [pid] : groupMembers(group);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

function temporaryFolders(): string[] {
  return leftIn(tmpdir(), makerOf);
}

/** `RUN/discovery/dynbench-PID-TIME` of each run. */
function discoveryFolders(runs: string): string[] {
  return namesIn(runs).flatMap((run) => leftIn(join(runs, run, "discovery"), discoverer));
}

function discoverer(name: string): number | undefined {
  const match = /^dynbench-(\d+)-[0-9a-z]+$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** This user's folders there whose maker is gone. */
function leftIn(folder: string, maker: (name: string) => number | undefined): string[] {
  return namesIn(folder).flatMap((name) => {
    const pid = maker(name);
    const path = join(folder, name);
    const isLeft = pid !== undefined && statOf(pid)?.isLive !== true && isOwned(path);
    return isLeft ? [path] : [];
  });
}

function isOwned(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

/** Why it could not be removed; undefined when it was. */
function removeFolder(folder: string): string | undefined {
  try {
    rmSync(folder, { recursive: true });
  } catch (cause) {
    return whyNot(cause);
  }
  if (dirname(folder).endsWith("/discovery")) removeEmpty(dirname(folder));
  return undefined;
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // another run's discovery is in it
  }
}
