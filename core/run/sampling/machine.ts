/** What the machine was: enough to judge figures by, nothing that identifies its owner. */
import { cpus, loadavg, release, totalmem } from "node:os";
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

/** Starts measuring; the call gives the busy part of all cores since then, 0 to 1, or nothing where too little time passed to measure it. */
export function watchCpu(): () => number | undefined {
  const before = coreTimes();
  return () => {
    const after = coreTimes();
    const totalMs = after.totalMs - before.totalMs;
    if (totalMs < LEAST_CPU_MS) return undefined;
    return Math.min(1, Math.max(0, (after.busyMs - before.busyMs) / totalMs));
  };
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
