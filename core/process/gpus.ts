/** Which GPUs there are, and which worker gets which: contiguous sets that do not overlap. Pure. */
import { DynbenchError } from "../base/errors.ts";

export interface Gpu {
  /** As CUDA_VISIBLE_DEVICES names it. */
  readonly id: string;
  readonly name: string;
  readonly memoryMiB: number;
  /** 8.9 of an L40S, 9.0 of an H100; undefined where the driver does not report it. */
  readonly computeCapability: number | undefined;
  /** Version of the driver, where it was asked for. */
  readonly driver?: string;
}

/** Lists the GPUs, one a line; `parseGpus` reads it. */
export const GPU_QUERY = [
  "nvidia-smi",
  "--query-gpu=index,name,memory.total,compute_cap,driver_version",
  "--format=csv,noheader,nounits",
] as const;

/** Lines of `GPU_QUERY`; others (warnings, "No devices were found") are passed over. */
export function parseGpus(lines: readonly string[]): Gpu[] {
  return lines.flatMap((line) => {
    const [id, name, memory, capability, driver] = line.split(",").map((field) => field.trim());
    if (id === undefined || !/^\d+$/.test(id) || name === undefined || name === "") return [];
    const memoryMiB = Number(memory);
    const computeCapability = Number(capability);
    return [
      {
        id,
        name,
        memoryMiB: Number.isFinite(memoryMiB) ? memoryMiB : 0,
        computeCapability: Number.isFinite(computeCapability) ? computeCapability : undefined,
        ...(driver ? { driver } : {}),
      },
    ];
  });
}

/** Those that CUDA_VISIBLE_DEVICES leaves, in its order; all where it is not set. Throws on an index that is not there. */
export function visibleGpus(gpus: readonly Gpu[], setting: string | undefined): Gpu[] {
  if (setting === undefined) return [...gpus];
  const ids = setting.split(",").map((id) => id.trim());
  return ids
    .filter((id) => id !== "" && id !== "-1")
    .map((id) => {
      // A GPU can also be named by UUID, which is taken as it is.
      const known = gpus.find((gpu) => gpu.id === id);
      if (known) return known;
      if (!/^\d+$/.test(id)) {
        return { id, name: "GPU", memoryMiB: 0, computeCapability: undefined };
      }
      throw new DynbenchError("start", `CUDA_VISIBLE_DEVICES names GPU ${id}, and there is none`, {
        hint: `There are: ${listed(gpus)}`,
      });
    });
}

export interface PlacementWish {
  /** Undefined: as many as fit, at most `mostWorkers`. */
  readonly workers: number | undefined;
  readonly mostWorkers: number;
  readonly gpusPerWorker: number;
  /** GPUs at the start of the list that are not used. */
  readonly offset: number;
}

/** Ids of each worker's GPUs. Throws when there are too few, with what would fit. */
export function placeOnGpus(gpus: readonly Gpu[], wish: PlacementWish): string[][] {
  const { gpusPerWorker, offset, mostWorkers } = wish;
  const usable = gpus.slice(offset);
  const fit = Math.floor(usable.length / gpusPerWorker);
  const workers = wish.workers ?? Math.min(mostWorkers, fit);
  if (workers < 1 || workers > fit) {
    const needed = Math.max(1, workers) * gpusPerWorker;
    const after = offset === 0 ? "" : ` after the first ${offset}`;
    throw new DynbenchError(
      "start",
      `Too few GPUs: ${Math.max(1, workers)} workers of ${gpusPerWorker} need ${needed}, and ${usable.length} are there${after}`,
      {
        hint:
          fit > 0
            ? `Use --workers ${fit}, or fewer GPUs per worker`
            : gpus.length >= gpusPerWorker
              ? `Use --gpu-offset ${gpus.length - gpusPerWorker} or less`
              : `Use --tensor-parallel-size ${Math.max(1, gpus.length)} or less; there are: ${listed(gpus)}`,
      },
    );
  }
  return Array.from({ length: workers }, (_, worker) =>
    usable.slice(worker * gpusPerWorker, (worker + 1) * gpusPerWorker).map(({ id }) => id),
  );
}

function listed(gpus: readonly Gpu[]): string {
  return gpus.length === 0 ? "none" : gpus.map(({ id, name }) => `${id} ${name}`).join(", ");
}
