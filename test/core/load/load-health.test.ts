import { describe, expect, test } from "bun:test";
import { LoadHealth } from "../../../core/load/load-health.ts";
import type { RequestRecord } from "../../../core/contract/record.ts";

const SOCKETS = { connections: 3, retries: 1 };

/** Usage that the test sets. */
function usage() {
  const now = { cpu: 100, threadCpu: 90, steppedMs: 0 };
  const reading = {
    cpuSeconds: () => now.cpu,
    threadCpuSeconds: () => now.threadCpu,
    maxRssMb: () => 50,
    epochMs: () => Date.now() + now.steppedMs,
  };
  return { now, reading };
}

describe("the load's health", () => {
  test("counts CPU of the last phase alone: not what came before it, nor after it", () => {
    const { now, reading } = usage();
    using health = new LoadHealth(reading);
    now.cpu = 110; // rehearsal
    health.start();
    now.cpu = 120; // warm-up
    health.stop();
    health.start();
    now.cpu = 121.5;
    health.stop();
    now.cpu = 150; // the last records
    expect(health.health(SOCKETS)).toMatchObject({ cpuSeconds: 1.5, connections: 3, retries: 1 });
  });

  test("reports a wall clock that was set, forwards or back, and none that was not", () => {
    for (const steppedMs of [3_600_000, -3000]) {
      const { now, reading } = usage();
      using health = new LoadHealth(reading);
      health.start();
      expect(health.health(SOCKETS).clockStepMs).toBeUndefined();
      now.steppedMs = steppedMs;
      expect(Math.round(health.health(SOCKETS).clockStepMs! / 1000)).toBe(steppedMs / 1000);
    }
  });

  test("has a busy share of at most the whole phase", () => {
    const { now, reading } = usage();
    using health = new LoadHealth(reading);
    now.threadCpu = 95;
    health.start();
    expect(health.health(SOCKETS).busyShare).toBe(0);
    now.threadCpu = 96; // a second of CPU in a phase of microseconds
    health.stop();
    expect(health.health(SOCKETS).busyShare).toBe(1);
  });

  test("has the lateness of measured requests that were sent", () => {
    using health = new LoadHealth(usage().reading);
    const record = { phase: "measured", intendedNs: 0 } as RequestRecord;
    health.ended({ ...record, startNs: 1e6 });
    health.ended({ ...record, startNs: 3e6 });
    health.ended({ ...record, startNs: 9e6, phase: "warmup" });
    health.ended(record);
    expect(health.health(SOCKETS).latenessMs).toEqual({ p50: 1, p99: 3, max: 3 });
  });
});
