/** The doctor's checks of a machine, from figures to messages. */
import { describe, expect, test } from "bun:test";
import {
  clockCheck,
  fileLimitCheck,
  governorCheck,
  gpuCheck,
  loadCheck,
  addressLimit,
  memoryCheck,
  priorityCheck,
  processorCheck,
} from "../../../core/doctor/machine-checks.ts";
import { parseGpus } from "../../../core/process/gpus.ts";

const GIB = 2 ** 30;
const L40S = Array.from({ length: 8 }, (_, i) => `${i}, NVIDIA L40S, 46068, 8.9, 550.54.15`);

describe("GPUs", () => {
  test("are counted by kind, with memory and driver", () => {
    expect(gpuCheck(L40S, parseGpus(L40S))).toMatchObject({
      state: "ok",
      found: "8 × NVIDIA L40S, 45 GiB, driver 550.54.15",
    });
    const mixed = ["0, NVIDIA H100, 81559, 9.0, 550.54.15", L40S[1]!];
    expect(gpuCheck(mixed, parseGpus(mixed)).found).toBe(
      "1 × NVIDIA H100, 80 GiB; 1 × NVIDIA L40S, 45 GiB, driver 550.54.15",
    );
  });

  test("are not needed by the mocker; a driver that lists none is reported with its message", () => {
    expect(gpuCheck(undefined, [])).toMatchObject({ state: "note", found: "none: no nvidia-smi" });
    const said = ["NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."];
    expect(gpuCheck(said, parseGpus(said))).toMatchObject({
      state: "warning",
      found: `nvidia-smi names none: ${said[0]}`,
    });
  });

  test("a list cut at any byte never names a GPU that does not exist", () => {
    const text = L40S.join("\n");
    for (let end = 0; end <= text.length; end += 1) {
      const lines = text.slice(0, end).split("\n");
      const gpus = parseGpus(lines);
      expect(gpus.length).toBeLessThanOrEqual(lines.length);
      const { driver } = gpus[0] ?? {};
      if (driver !== undefined) expect("550.54.15".startsWith(driver)).toBe(true);
      expect(gpuCheck(lines, gpus).found).not.toContain("undefined");
    }
  });
});

describe("processors and memory", () => {
  const cpu = { cores: 64, usable: 64, model: " AMD EPYC " };
  test("what the control group allows counts", () => {
    expect(processorCheck(cpu, undefined)).toMatchObject({
      state: "ok",
      found: "64 cores, AMD EPYC",
    });
    expect(processorCheck(cpu, 1.5)).toMatchObject({
      state: "warning",
      found: "64 cores, the control group allows 1.5, AMD EPYC",
      next: expect.stringContaining("Give the container or the job more cores"),
    });
    expect(processorCheck({ ...cpu, usable: 2 }, 8)).toMatchObject({
      state: "warning",
      found: "64 cores, 2 of them for this process, AMD EPYC",
    });
  });

  test("memory is the tighter of the machine's and the group's", () => {
    expect(memoryCheck(64 * GIB, { memoryBytes: undefined })).toMatchObject({
      state: "ok",
      found: "64.0 GiB",
    });
    expect(memoryCheck(64 * GIB, { memoryBytes: GIB })).toMatchObject({
      state: "warning",
      found: "64.0 GiB, the control group allows 1.0 GiB",
    });
  });

  test("a limit on the address space is named, because what meets it dies of a signal", () => {
    const limits = (value: string) => `Max cpu time  unlimited\nMax address space   ${value}   x\n`;
    expect(addressLimit(limits("unlimited"))).toBeUndefined();
    expect(addressLimit(undefined)).toBeUndefined();
    const bytes = addressLimit(limits(String(GIB / 2)));
    expect(memoryCheck(64 * GIB, { memoryBytes: undefined }, bytes)).toMatchObject({
      state: "warning",
      found: "64.0 GiB, ulimit -v allows a process 0.5 GiB",
    });
  });

  test("other work is reported from half the cores on", () => {
    expect(loadCheck(1, 2).state).toBe("ok");
    expect(loadCheck(1.01, 2)).toMatchObject({ state: "warning", found: "load average 1.01" });
  });
});

describe("clocks and rights", () => {
  test("governor", () => {
    expect(governorCheck("performance\n").state).toBe("ok");
    expect(governorCheck("powersave\n")).toMatchObject({ state: "warning", found: "powersave" });
    expect(governorCheck(undefined).state).toBe("note");
  });
  test("clock source", () => {
    expect(clockCheck("tsc\n").state).toBe("ok");
    expect(clockCheck("hpet\n")).toMatchObject({
      state: "warning",
      found: "hpet, slow to read",
    });
    expect(clockCheck("").state).toBe("note");
  });
  test("priority", () => {
    expect(priorityCheck(true).state).toBe("ok");
    expect(priorityCheck(false).state).toBe("note");
  });
  test("open files allow so many requests in flight", () => {
    // (1024 - 64 - 4 x 8 workers) / 2 connections a request
    expect(fileLimitCheck(1024)).toMatchObject({
      state: "warning",
      found: "1,024 (hard limit), enough for --concurrency 464",
    });
    expect(fileLimitCheck(65_536)).toMatchObject({
      state: "ok",
      found: "65,536 (hard limit), enough for --concurrency 32720",
    });
    expect(fileLimitCheck(96).state).toBe("fault");
    expect(fileLimitCheck(Infinity)).toMatchObject({ state: "ok", found: "unlimited" });
    expect(fileLimitCheck(undefined).state).toBe("note");
  });
});
