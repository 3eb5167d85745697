/** GPU lists as nvidia-smi prints them, and their assignment to workers. The sets are the guide's. */
import { describe, expect, test } from "bun:test";
import {
  parseGpus,
  placeOnGpus,
  visibleGpus,
  type Gpu,
  type PlacementWish,
} from "../../../core/process/gpus.ts";

const L40S = "0, NVIDIA L40S, 46068, 8.9\n1, NVIDIA L40S, 46068, 8.9".split("\n");
const eight: Gpu[] = Array.from({ length: 8 }, (_, i) => ({
  id: `${i}`,
  name: "NVIDIA L40S",
  memoryMiB: 46_068,
  computeCapability: 8.9,
}));
const wish = { workers: undefined, mostWorkers: 8, gpusPerWorker: 1, offset: 0 };

describe("nvidia-smi's list", () => {
  test("gives id, name, memory and compute capability", () => {
    expect(parseGpus(L40S)).toEqual(eight.slice(0, 2));
  });

  test("is read where a field is unknown, and other lines are skipped", () => {
    expect(parseGpus(["No devices were found", "0, Tesla K80, [N/A], [N/A]", ""])).toEqual([
      { id: "0", name: "Tesla K80", memoryMiB: 0, computeCapability: undefined },
    ]);
  });

  test("cut at any byte never throws and never invents a GPU", () => {
    const text = L40S.join("\n");
    for (let end = 0; end <= text.length; end += 1) {
      expect(parseGpus(text.slice(0, end).split("\n")).length).toBeLessThanOrEqual(2);
    }
  });
});

describe("CUDA_VISIBLE_DEVICES", () => {
  test("chooses and orders", () => {
    expect(visibleGpus(eight, "5,2").map(({ id }) => id)).toEqual(["5", "2"]);
    expect(visibleGpus(eight, undefined)).toHaveLength(8);
    expect(visibleGpus(eight, "")).toEqual([]);
    expect(visibleGpus(eight, "GPU-8932f937").map(({ id }) => id)).toEqual(["GPU-8932f937"]);
  });

  test("that names a missing GPU is reported", () => {
    expect(() => visibleGpus(eight, "0,9")).toThrow("names GPU 9, and there is none");
  });
});

describe("placement", () => {
  test("two GPUs a worker: 0,1 2,3 4,5 6,7", () => {
    const sets = placeOnGpus(eight, { ...wish, workers: 4, gpusPerWorker: 2 });
    expect(sets).toEqual([
      ["0", "1"],
      ["2", "3"],
      ["4", "5"],
      ["6", "7"],
    ]);
  });

  test("an offset leaves the first ones free", () => {
    expect(placeOnGpus(eight, { ...wish, workers: 4, offset: 4 }).flat()).toEqual([
      "4",
      "5",
      "6",
      "7",
    ]);
  });

  test("as many workers as fit, at most as many as wanted at most", () => {
    expect(placeOnGpus(eight, { ...wish, gpusPerWorker: 3 })).toHaveLength(2);
    expect(placeOnGpus([...eight, ...eight], wish)).toHaveLength(8);
  });

  test("too few are reported with the number of workers that would fit", () => {
    const place = (change: Partial<PlacementWish>) => () =>
      placeOnGpus(eight, { ...wish, ...change });
    expect(place({ workers: 9 })).toThrow("Too few GPUs: 9 workers of 1 need 9, and 8 are there");
    expect(place({ workers: 2, offset: 7 })).toThrow("and 1 are there after the first 7");
    expect(() => placeOnGpus([], wish)).toThrow("1 workers of 1 need 1, and 0 are there");
    const hintOf = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        return (error as { hint: string }).hint;
      }
      return "";
    };
    expect(hintOf(place({ workers: 9 }))).toBe("Use --workers 8, or fewer GPUs per worker");
    expect(hintOf(place({ offset: 8 }))).toBe("Use --gpu-offset 7 or less");
    expect(hintOf(place({ gpusPerWorker: 16 }))).toContain("Use --tensor-parallel-size 8 or less");
  });
});
