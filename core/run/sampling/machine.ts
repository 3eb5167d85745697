/** What the machine was: enough to judge figures by, nothing that identifies its owner. */
import { readdirSync, readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { given } from "../../base/given.ts";
import { VERSION } from "../../base/version.ts";

export function factsOfMachine(): Record<string, unknown> {
  const processors = cpus();
  return {
    dynbench: VERSION,
    bun: Bun.version,
    platform: `${process.platform}-${process.arch}`,
    kernel: release(),
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverageAtStart: loadavg()[0],
  };
}

export interface CpuUse {
  /** Busy part of all cores, 0 to 1. */
  readonly share: number;
  /** Cores that programs outside the run kept busy; undefined where the system does not report it (no /proc). */
  readonly otherCores?: number;
}

/** Starts measuring; the call gives the use since then, or nothing where too little time passed to measure it. */
export function watchCpu(): () => CpuUse | undefined {
  const [before, ownBeforeMs] = [coreTimes(), ownCpuMs()];
  return () => {
    const [after, ownMs] = [coreTimes(), ownCpuMs()];
    const totalMs = after.totalMs - before.totalMs;
    if (totalMs < LEAST_CPU_MS) return undefined;
    const busyMs = after.busyMs - before.busyMs;
    const tookMs = totalMs / cpus().length;
    const otherMs =
      ownMs === undefined || ownBeforeMs === undefined ? undefined : busyMs - (ownMs - ownBeforeMs);
    return {
      share: clamp(busyMs / totalMs),
      ...given({ otherCores: otherMs === undefined ? undefined : Math.max(0, otherMs / tookMs) }),
    };
  };
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/** The kernel counts in ticks of 10 ms: below twenty of them a share is noise. */
const LEAST_CPU_MS = 200;

function coreTimes(): { busyMs: number; totalMs: number } {
  let busyMs = 0;
  let totalMs = 0;
  for (const { times } of cpus()) {
    const busy = times.user + times.nice + times.sys + times.irq;
    busyMs += busy;
    totalMs += busy + times.idle;
  }
  return { busyMs, totalMs };
}

/** CPU time of this process and of all that descend from it, those that have ended included. */
function ownCpuMs(): number | undefined {
  const known = new Map<number, ProcessTimes>();
  try {
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      const times = Number.isNaN(pid) ? undefined : timesOf(pid);
      if (times !== undefined) known.set(pid, times);
    }
  } catch {
    return undefined;
  }
  return known.has(process.pid) ? MS_PER_TICK * ticksBelow(process.pid, known) : undefined;
}

/** Linux counts the times of processes in ticks of 10 ms for whoever asks (USER_HZ). */
const MS_PER_TICK = 10;

export interface ProcessTimes {
  readonly parent: number;
  /** Of the process, and of its ended children that it has waited for. */
  readonly ticks: number;
}

/** Of /proc/PID/stat (proc_pid_stat(5)); undefined where the process has just ended. */
function timesOf(pid: number): ProcessTimes | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** The command may hold blanks and brackets; the fields are counted from its last bracket. Pure. */
export function parseStat(text: string): ProcessTimes | undefined {
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  // state, ppid, …; utime, stime, cutime, cstime are fields 14 to 17 of the manual page
  const [parent, ticks] = [fields[1]!, fields.slice(11, 15)];
  if (!text.includes(")") || ticks.length < 4 || ![parent, ...ticks].every(Number.isFinite)) {
    return undefined;
  }
  return { parent, ticks: ticks.reduce((sum, one) => sum + one, 0) };
}

/** Of a process and all its descendants. Pure. */
export function ticksBelow(root: number, known: ReadonlyMap<number, ProcessTimes>): number {
  const children = Map.groupBy(known.keys(), (pid) => known.get(pid)!.parent);
  const below = (pid: number): number =>
    (children.get(pid) ?? []).reduce((sum, child) => sum + below(child), known.get(pid)!.ticks);
  return below(root);
}
