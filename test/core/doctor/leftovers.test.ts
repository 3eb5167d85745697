/** The owner of a process, and processes and folders left by a run that died with its keeper. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findLeftovers, isOfLivingRun, leftoversCheck } from "../../../core/doctor/leftovers.ts";
import { makerOf, temporaryName } from "../../../core/system/temporary-name.ts";
import { parseStat } from "../../../core/process/keeper.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-leftovers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const process_ = { isLive: true, group: 5, startTicks: 1000 };
const main =
  (startTicks: number, isLive = true) =>
  () => ({ isLive, group: 1, startTicks });

describe("a marked process is of a living run", () => {
  test("while the run's main process lives, which is older", () => {
    expect(isOfLivingRun("4711-1764000000000", process_, main(900))).toBe(true);
    expect(isOfLivingRun("4711-1764000000000", process_, main(1000))).toBe(true);
  });
  test("not when that process id now belongs to another, younger process", () => {
    expect(isOfLivingRun("4711-1764000000000", process_, main(1001))).toBe(false);
  });
  test("not when its main process is gone or a zombie", () => {
    expect(isOfLivingRun("4711-1764000000000", process_, () => undefined)).toBe(false);
    expect(isOfLivingRun("4711-1764000000000", process_, main(900, false))).toBe(false);
  });
  test("assumed when the marker is not that of a run", () => {
    expect(isOfLivingRun("foreign-4711", process_, () => undefined)).toBe(true);
    expect(isOfLivingRun("4711-1", undefined, () => undefined)).toBe(true);
  });
});

describe("/proc/PID/stat", () => {
  const STAT =
    "4711 (a) (b) S 1 4711 4711 0 -1 4194304 103 0 0 0 0 0 0 0 20 0 1 0 123456 2703360 223 1844";
  test("gives state, group and start, whatever the name holds", () => {
    expect(parseStat(STAT)).toEqual({ isLive: true, group: 4711, startTicks: 123_456 });
    expect(parseStat(STAT.replace(" S ", " Z "))!.isLive).toBe(false);
    expect(parseStat(readFileSync("/proc/self/stat", "latin1"))).toMatchObject({ isLive: true });
  });
  test("cut at any byte gives all or nothing", () => {
    for (let end = 0; end < STAT.length; end += 1) {
      expect([undefined, 123_456]).toContain(parseStat(STAT.slice(0, end))?.startTicks);
    }
  });
});

describe("folders", () => {
  /** No process has it: Linux counts to 2^22 at most. */
  const DEAD = 2 ** 22 + 1;

  test("names of temporary ones contain their process id", () => {
    expect(makerOf(`${temporaryName("up")}gRy6LY`)).toBe(process.pid);
    expect(makerOf("dynbench-up-gRy6LY")).toBeUndefined();
    expect(makerOf("dynbench-cli-4711-gRy6LY")).toBeUndefined();
  });

  test("of Dynamo's discovery are left when their process is gone", () => {
    const runs = join(folder, "runs");
    const dead = join(runs, "one/discovery", `dynbench-${DEAD}-mb0`);
    for (const path of [dead, join(runs, "one/discovery", `dynbench-${process.pid}-mb0`)]) {
      mkdirSync(path, { recursive: true });
    }
    expect(findLeftovers(runs).folders.filter((path) => path.startsWith(runs))).toEqual([dead]);
  });

  test("and processes are counted in the check", () => {
    const left = { pid: 1, marker: "2-3", command: "sleep 5" };
    expect(leftoversCheck({ processes: [left], folders: ["a", "b"] })).toMatchObject({
      state: "warning",
      found: "1 process, 2 folders",
    });
    expect(leftoversCheck({ processes: [], folders: [] }).state).toBe("ok");
  });
});
