/** Files as Linux 5.10 and 6.1 print them, in a container and outside. */
import { describe, expect, test } from "bun:test";
import {
  cgroupLimits,
  parseBytes,
  parseCpuMax,
  parseGroups,
  parseQuota,
} from "../../../core/doctor/cgroup.ts";

const read = (files: Record<string, string>) => (path: string) => files[path];
const V1 = "9:name=systemd:/\n4:memory:/job/7\n2:cpu,cpuacct:/job\n0::/\n";

describe("limits of the control group", () => {
  test("v2: the tightest of the group and those around it", () => {
    const files = {
      "/proc/self/cgroup": "0::/user.slice/job.scope\n",
      "/sys/fs/cgroup/user.slice/job.scope/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/user.slice/cpu.max": "150000 100000\n",
      "/sys/fs/cgroup/user.slice/job.scope/memory.max": "4294967296\n",
      "/sys/fs/cgroup/user.slice/memory.max": "8589934592\n",
    };
    expect(cgroupLimits(read(files))).toEqual({ cpus: 1.5, memoryBytes: 4_294_967_296 });
  });

  test("v2 in a container that does not see the host's names: the root's files count", () => {
    const files = {
      "/proc/self/cgroup": "0::/../../docker/4711\n",
      "/sys/fs/cgroup/cpu.max": "200000 100000\n",
      "/sys/fs/cgroup/memory.max": "max\n",
    };
    expect(cgroupLimits(read(files))).toEqual({ cpus: 2, memoryBytes: undefined });
  });

  test("v1: quota over period, by controller", () => {
    const files = {
      "/proc/self/cgroup": V1,
      "/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "50000\n",
      "/sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/job/7/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1073741824\n",
    };
    expect(cgroupLimits(read(files))).toEqual({ cpus: 0.5, memoryBytes: 1_073_741_824 });
  });

  test("are unknown where there are no such files", () => {
    expect(cgroupLimits(() => undefined)).toEqual({ cpus: undefined, memoryBytes: undefined });
  });
});

describe("each file", () => {
  test("/proc/self/cgroup names a group for each controller, v2's under the empty name", () => {
    expect(Object.fromEntries(parseGroups(V1))).toEqual({
      "name=systemd": "/",
      memory: "/job/7",
      cpu: "/job",
      cpuacct: "/job",
      "": "/",
    });
  });

  test("a file without a bound gives no bound", () => {
    expect(parseCpuMax("max 100000\n")).toBeUndefined();
    expect(parseQuota("-1\n", "100000\n")).toBeUndefined();
    expect(parseBytes("max\n")).toBeUndefined();
    expect(parseBytes("9223372036854771712\n")).toBeUndefined();
  });

  test("cut at any byte, no file gives another bound than whole", () => {
    const cut = (text: string): string[] =>
      Array.from({ length: text.length }, (_, end) => text.slice(0, end));
    expect(cut("150000 100000\n").map(parseCpuMax).filter(Boolean)).toEqual([]);
    expect(cut("4294967296\n").map(parseBytes).filter(Boolean)).toEqual([]);
    expect(cut("50000\n").flatMap((quota) => parseQuota(quota, "100000\n") ?? [])).toEqual([]);
    expect(cut("100000\n").flatMap((period) => parseQuota("50000\n", period) ?? [])).toEqual([]);
    for (const text of cut(V1)) {
      for (const [controller, group] of parseGroups(text)) {
        const whole = parseGroups(V1).get(controller);
        expect(whole === undefined || whole.startsWith(group)).toBe(true);
      }
    }
  });
});
