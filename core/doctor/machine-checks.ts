/** What the machine is like for a benchmark: processors, memory, clocks, limits, GPUs. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, getPriority, loadavg, setPriority, totalmem } from "node:os";
import { cgroupLimits, type CgroupLimits } from "./cgroup.ts";
import type { Check } from "./check.ts";
import { programOutput } from "../process/program-output.ts";
import { concurrencyWithin, openFileLimit } from "../process/file-limit.ts";
import { GPU_QUERY, parseGpus, visibleGpus, type Gpu } from "../process/gpus.ts";
import { counted } from "../base/counted.ts";
import { messageOf } from "../base/errors.ts";
import { LOAD_PRIORITY } from "../load/load-child.ts";

const GROUP = { group: "machine" } as const;
const GIB = 2 ** 30;
/** Main process, gateway, load and two workers; with fewer they take turns, which shows in p99. */
const FEW_CORES = 4;
const GPU_LIMIT_MS = 10_000;
/** Of the default load with its gateway, eight times over. */
const ENOUGH_CONCURRENCY = 160;

export async function machineChecks(): Promise<Check[]> {
  const limits = cgroupLimits(readText);
  return [
    ...(await gpuChecks()),
    processorCheck(
      { cores: cpus().length, usable: availableParallelism(), model: cpus()[0]?.model },
      limits.cpus,
    ),
    loadCheck(loadavg()[0]!, limits.cpus ?? availableParallelism()),
    memoryCheck(totalmem(), limits, addressLimit(readText("/proc/self/limits"))),
    governorCheck(readText("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
    clockCheck(readText("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
    priorityCheck(mayGoFirst()),
    fileLimitCheck(openFileLimit()),
  ];
}

async function gpuChecks(): Promise<Check[]> {
  if (Bun.which(GPU_QUERY[0]) === null) return [gpuCheck(undefined, [])];
  const { lines } = await programOutput(GPU_QUERY, GPU_LIMIT_MS);
  return [gpuCheck(lines, parseGpus(lines)), ...visibilityCheck(parseGpus(lines))];
}

/** `lines` of nvidia-smi, undefined where there is none. Pure. */
export function gpuCheck(lines: readonly string[] | undefined, gpus: readonly Gpu[]): Check {
  const of = { ...GROUP, name: "GPUs" };
  const onlyMocker = "Engine mocker needs none";
  if (lines === undefined) {
    const next = `${onlyMocker}; for engines on GPUs install the NVIDIA driver, whose nvidia-smi is looked for on PATH`;
    return { ...of, state: "note", found: "none: no nvidia-smi", next };
  }
  if (gpus.length === 0) {
    const last = lines.at(-1) ?? "nothing";
    const next = `${onlyMocker}; for others check the driver, and in a container that GPUs are passed on (--gpus all)`;
    return { ...of, state: "warning", found: `nvidia-smi names none: ${last}`, next };
  }
  const kinds = Map.groupBy(gpus, ({ name, memoryMiB }) => `${name}, ${gibOf(memoryMiB)}`);
  const found = Array.from(kinds, ([kind, same]) => `${same.length} × ${kind}`).join("; ");
  const driver = gpus[0]!.driver;
  return { ...of, state: "ok", found: `${found}${driver ? `, driver ${driver}` : ""}` };
}

function gibOf(memoryMiB: number): string {
  return memoryMiB > 0 ? `${Math.round(memoryMiB / 1024)} GiB` : "memory unknown";
}

function visibilityCheck(gpus: readonly Gpu[]): Check[] {
  const setting = process.env.CUDA_VISIBLE_DEVICES;
  if (setting === undefined || gpus.length === 0) return [];
  const of = { ...GROUP, name: "CUDA_VISIBLE_DEVICES" };
  try {
    const ids = visibleGpus(gpus, setting).map(({ id }) => id);
    if (ids.length > 0) return [{ ...of, state: "ok", found: `leaves ${ids.join(", ")}` }];
    return [{ ...of, state: "warning", found: "hides every GPU", next: "Unset it" }];
  } catch (error) {
    return [{ ...of, state: "warning", found: messageOf(error), next: "Mend it, or unset it" }];
  }
}

/** Pure, as all below but the last two. */
export function processorCheck(
  { cores, usable, model }: { cores: number; usable: number; model: string | undefined },
  bound: CgroupLimits["cpus"],
): Check {
  const least = Math.min(usable, bound ?? usable);
  const bounds = [
    ...(usable < cores ? [`${usable} of them for this process`] : []),
    ...(bound !== undefined && bound < usable
      ? [`the control group allows ${bound.toFixed(1)}`]
      : []),
  ];
  const found = [counted(cores, "core"), ...bounds, model?.trim() ?? "model unknown"].join(", ");
  if (least >= FEW_CORES) return { ...GROUP, name: "processors", state: "ok", found };
  const next =
    bounds.length > 0
      ? "Give the container or the job more cores: load, gateway and engines share these"
      : "Keep --speedup and --concurrency low: load, gateway and engines share these";
  return { ...GROUP, name: "processors", state: "warning", found, next };
}

export function loadCheck(load: number, cores: number): Check {
  const of = { ...GROUP, name: "other work" };
  const found = `load average ${load.toFixed(2)}`;
  if (load <= cores / 2) return { ...of, state: "ok", found };
  const next = "Wait for it to end, or end it: it takes time from what is measured";
  return { ...of, state: "warning", found, next };
}

export function memoryCheck(
  totalBytes: number,
  { memoryBytes: bound = totalBytes }: Pick<CgroupLimits, "memoryBytes">,
  address = Infinity,
): Check {
  const of = { ...GROUP, name: "memory" };
  const found = [
    gib(totalBytes),
    ...(bound < totalBytes ? [`the control group allows ${gib(bound)}`] : []),
    ...(address < ENOUGH_ADDRESSES ? [`ulimit -v allows a process ${gib(address)}`] : []),
  ].join(", ");
  if (address < ENOUGH_ADDRESSES) {
    const next =
      "Raise it before you start: ulimit -v unlimited; what meets it is ended by a signal";
    return { ...of, state: "warning", found, next };
  }
  if (Math.min(totalBytes, bound) >= 2 * GIB) return { ...of, state: "ok", found };
  const next = "Give it 2 GiB or more, or use few --workers: each is a process of some 100 MB";
  return { ...of, state: "warning", found, next };
}

/** Of a gateway under load, far from full; the program alone maps 0.4 GiB. */
const ENOUGH_ADDRESSES = 4 * GIB;

/** Bytes that a process may map, from /proc/PID/limits; undefined without a limit. */
export function addressLimit(limits: string | undefined): number | undefined {
  const match = /^Max address space +(\d+) /m.exec(limits ?? "");
  return match === null ? undefined : Number(match[1]);
}

export function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}

export function governorCheck(text: string | undefined): Check {
  const of = { ...GROUP, name: "CPU governor" };
  const governor = text?.trim();
  if (!governor) {
    const found = "not reported, as on most virtual machines";
    return { ...of, state: "note", found, next: "Repeat runs (--repeat 3): clocks may change" };
  }
  if (governor === "performance") return { ...of, state: "ok", found: governor };
  const next = "cpupower frequency-set -g performance, as root: clocks that rise late show in TTFT";
  return { ...of, state: "warning", found: governor, next };
}

/** Reading these takes tens of nanoseconds; the others take microseconds and a system call. */
const FAST_CLOCKS: readonly string[] = [
  ...["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"],
];

export function clockCheck(text: string | undefined): Check {
  const of = { ...GROUP, name: "clock" };
  const source = text?.trim();
  if (!source) return { ...of, state: "note", found: "source not reported" };
  if (FAST_CLOCKS.includes(source)) return { ...of, state: "ok", found: source };
  const next = "Choose tsc with the kernel parameter clocksource=tsc, where the machine has one";
  return { ...of, state: "warning", found: `${source}, slow to read`, next };
}

export function priorityCheck(mayRaise: boolean): Check {
  const of = { ...GROUP, name: "priority" };
  if (mayRaise) return { ...of, state: "ok", found: "the load generator may go first" };
  const found = "the load generator may not go before what it measures";
  const next = "On few cores run as root, or allow it: ulimit -e 30 in limits.conf, CAP_SYS_NICE";
  return { ...of, state: "note", found, next };
}

export function fileLimitCheck(limit: number | undefined): Check {
  const of = { ...GROUP, name: "open files" };
  if (limit === undefined)
    return { ...of, state: "note", found: "limit not reported: see ulimit -n" };
  const most = concurrencyWithin(limit, { hasRouter: true });
  const figure = limit === Infinity ? "unlimited" : limit.toLocaleString("en-US");
  const allows = limit === Infinity ? "" : ` (hard limit), enough for --concurrency ${most}`;
  const found = `${figure}${allows}`;
  if (most >= ENOUGH_CONCURRENCY * 4) return { ...of, state: "ok", found };
  const next =
    "Raise it before you start: ulimit -n 65536, LimitNOFILE= of systemd, --ulimit nofile= of docker";
  return { ...of, state: most < 1 ? "fault" : "warning", found, next };
}

/** Whether the load child's priority can be had: tried, and taken back. */
function mayGoFirst(): boolean {
  const own = getPriority();
  try {
    setPriority(LOAD_PRIORITY);
    setPriority(own);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
