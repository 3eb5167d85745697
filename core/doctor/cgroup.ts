/**
 * What the process's control group allows, read from the kernel's files: cgroup v1 and v2, as in
 * cgroups(7) and the kernel's admin-guide/cgroup-v2. Pure: files come through a reader.
 */

export interface CgroupLimits {
  /** Cores' worth of time, such as 1.5; undefined without a bound. */
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** A file's text, or undefined where it cannot be read. */
export type ReadText = (path: string) => string | undefined;

const ROOT = "/sys/fs/cgroup";
/** v1 writes "no bound" as the largest multiple of a page below 2^63. */
const NO_BOUND_BYTES = 2 ** 60;

/** The tightest bounds of the group and those around it. */
export function cgroupLimits(read: ReadText): CgroupLimits {
  const groups = parseGroups(read("/proc/self/cgroup") ?? "");
  const unified = foldersUp(ROOT, groups.get("") ?? "/");
  const of = (controller: string): string[] =>
    foldersUp(`${ROOT}/${controller}`, groups.get(controller) ?? "/");
  const bounds = (folders: readonly string[], bound: (folder: string) => number | undefined) =>
    folders.map(bound).filter((value) => value !== undefined);
  return {
    cpus: least([
      ...bounds(unified, (folder) => parseCpuMax(read(`${folder}/cpu.max`) ?? "")),
      ...bounds(of("cpu"), (folder) =>
        parseQuota(
          read(`${folder}/cpu.cfs_quota_us`) ?? "",
          read(`${folder}/cpu.cfs_period_us`) ?? "",
        ),
      ),
    ]),
    memoryBytes: least([
      ...bounds(unified, (folder) => parseBytes(read(`${folder}/memory.max`) ?? "")),
      ...bounds(of("memory"), (folder) =>
        parseBytes(read(`${folder}/memory.limit_in_bytes`) ?? ""),
      ),
    ]),
  };
}

/** Group by controller, of /proc/self/cgroup: `4:cpu,cpuacct:/a`. That of v2, `0::/a`, is under the empty name. */
export function parseGroups(text: string): Map<string, string> {
  const lines = text.split("\n").map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line));
  return new Map(
    lines.flatMap((match) =>
      match === null
        ? []
        : match[1]!.split(",").map((controller) => [controller, match[2]!] as const),
    ),
  );
}

/** v2's cpu.max: `150000 100000`, or `max 100000`. In cores. */
export function parseCpuMax(text: string): number | undefined {
  const match = /^(\d+) (\d+)\n$/.exec(text);
  return match ? cores(Number(match[1]), Number(match[2])) : undefined;
}

/** v1's quota and period; a quota of -1 is no bound. In cores. */
export function parseQuota(quota: string, period: string): number | undefined {
  if (!/^\d+\n$/.test(quota) || !/^\d+\n$/.test(period)) return undefined;
  return cores(Number(quota), Number(period));
}

function cores(quota: number, period: number): number | undefined {
  return quota > 0 && period > 0 ? quota / period : undefined;
}

/** memory.max of v2, `max` or bytes, and v1's memory.limit_in_bytes. */
export function parseBytes(text: string): number | undefined {
  if (!/^\d+\n$/.test(text)) return undefined;
  const bytes = Number(text);
  return bytes > 0 && bytes < NO_BOUND_BYTES ? bytes : undefined;
}

/**
 * A group's folder and those above it. In a container the name can be one of the host's, which is not
 * there; the root, where the container's own bounds are then, is always looked at.
 */
function foldersUp(root: string, group: string): string[] {
  const names = group.split("/").filter((name) => name !== "");
  return names.map((_, i) => `${root}/${names.slice(0, i + 1).join("/")}`).concat(root);
}

function least(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.min(...values);
}
