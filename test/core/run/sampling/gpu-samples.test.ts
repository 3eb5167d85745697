/** nvidia-smi's answers, and the findings made from them. Masks are NVML's clock event reasons. */
import { describe, expect, test } from "bun:test";
import {
  gpuQuery,
  readGpuSamples,
  ThrottleWatch,
} from "../../../../core/run/sampling/gpu-samples.ts";

const TEXT = `0, 97, 40321, 348.12, 2520, 71, 0x0000000000000004
1, 0, 3, 24.50, 210, 33, 0x0000000000000001
2, 99, 40321, [N/A], 1200, 88, 0x0000000000000060
`;

describe("samples", () => {
  test("have the reported values; an idle GPU does not count as throttled", () => {
    const busy = {
      utilization: 97,
      memoryMiB: 40_321,
      powerW: 348.12,
      smMhz: 2520,
      temperatureC: 71,
    };
    expect(readGpuSamples(TEXT)).toEqual([
      { gpu: "0", ...busy, throttle: ["power-cap"] },
      { gpu: "1", utilization: 0, memoryMiB: 3, powerW: 24.5, smMhz: 210, temperatureC: 33 },
      {
        gpu: "2",
        utilization: 99,
        memoryMiB: 40_321,
        smMhz: 1200,
        temperatureC: 88,
        throttle: ["thermal"],
      },
    ]);
  });

  test("cut at any byte nothing throws", () => {
    for (let end = 0; end <= TEXT.length; end += 1) readGpuSamples(TEXT.slice(0, end));
    expect(readGpuSamples("No devices were found")).toEqual([]);
  });

  test("are taken only from the run's GPUs", () => {
    expect(gpuQuery(["2", "3"])).toEqual([
      "nvidia-smi",
      "--id=2,3",
      "--query-gpu=index,utilization.gpu,memory.used,power.draw,clocks.sm,temperature.gpu,clocks_throttle_reasons.active",
      "--format=csv,noheader,nounits",
    ]);
  });
});

describe("throttling", () => {
  const watched = (count: number, of: number, throttle: "thermal" | "power-cap") => {
    const watch = new ThrottleWatch();
    for (let i = 0; i < of; i += 1)
      watch.add({ gpu: "3", ...(i < count ? { throttle: [throttle] } : {}) });
    return watch.findings();
  };

  test("by heat makes a cell untrusted, by the power limit it is a note", () => {
    expect(watched(10, 40, "thermal")).toMatchObject([
      {
        id: "gpu-thermal",
        severity: "untrusted",
        message: "Heat lowered the clocks of GPU 3 (25 %) of the time",
      },
    ]);
    expect(watched(40, 40, "power-cap")).toMatchObject([{ id: "gpu-power-cap", severity: "note" }]);
  });

  test("for a moment is not reported", () => {
    expect(watched(2, 40, "thermal")).toEqual([]);
  });
});
