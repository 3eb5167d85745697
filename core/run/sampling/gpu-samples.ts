/** Samples of GPUs under load from nvidia-smi, and what slows them down. Pure. */
import type { Finding } from "../../contract/result.ts";

export interface GpuSample {
  readonly gpu: string;
  readonly utilization?: number;
  readonly memoryMiB?: number;
  readonly powerW?: number;
  readonly smMhz?: number;
  readonly temperatureC?: number;
  /** Why its clocks are lower than they could be; left out where nothing lowers them. */
  readonly throttle?: readonly ThrottleReason[];
}

export type ThrottleReason = "power-cap" | "thermal" | "hardware";

export function gpuQuery(gpus: readonly string[]): string[] {
  const fields = FIELDS.map(([, field]) => field).join(",");
  return [
    "nvidia-smi",
    `--id=${gpus.join(",")}`,
    `--query-gpu=index,${fields},clocks_throttle_reasons.active`,
    "--format=csv,noheader,nounits",
  ];
}

const FIELDS = [
  ["utilization", "utilization.gpu"],
  ["memoryMiB", "memory.used"],
  ["powerW", "power.draw"],
  ["smMhz", "clocks.sm"],
  ["temperatureC", "temperature.gpu"],
] as const;

/** Lines of `gpuQuery`; a value that a GPU does not report is left out. */
export function readGpuSamples(text: string): GpuSample[] {
  return text.split("\n").flatMap((line): GpuSample[] => {
    const fields = line.split(",").map((field) => field.trim());
    if (fields.length < FIELDS.length + 2 || !/^\d+$/.test(fields[0]!)) return [];
    const numbers = FIELDS.map(([key], i) => [key, Number(fields[i + 1])] as const);
    const throttle = throttleReasons(Number(fields[FIELDS.length + 1]));
    return [
      {
        gpu: fields[0]!,
        ...Object.fromEntries(numbers.filter(([, value]) => Number.isFinite(value))),
        ...(throttle.length === 0 ? {} : { throttle }),
      },
    ];
  });
}

/** Bits of NVML's `nvmlClocksEventReasons`: software power cap; thermal (software, hardware); slowdown and power brake. */
const REASON_BITS: readonly (readonly [ThrottleReason, number])[] = [
  ["power-cap", 0x4],
  ["thermal", 0x20 | 0x40],
  ["hardware", 0x8 | 0x80],
];

function throttleReasons(mask: number): ThrottleReason[] {
  return REASON_BITS.filter(([, bits]) => (mask & bits) !== 0).map(([reason]) => reason);
}

/** Share of a GPU's samples that is no accident. */
const THROTTLED_SHARE = 0.05;

/** How often each GPU was slowed down, and by what. */
export class ThrottleWatch {
  readonly #samples = new Map<string, number>();
  readonly #throttled = new Map<ThrottleReason, Map<string, number>>();

  add({ gpu, throttle = [] }: GpuSample): void {
    this.#samples.set(gpu, (this.#samples.get(gpu) ?? 0) + 1);
    for (const reason of throttle) {
      const counts = this.#throttled.get(reason) ?? new Map<string, number>();
      counts.set(gpu, (counts.get(gpu) ?? 0) + 1);
      this.#throttled.set(reason, counts);
    }
  }

  findings(): Finding[] {
    return [...this.#throttled].flatMap(([reason, counts]): Finding[] => {
      const shares = [...counts]
        .map(([gpu, count]) => ({ gpu, share: count / this.#samples.get(gpu)! }))
        .filter(({ share }) => share > THROTTLED_SHARE);
      if (shares.length === 0) return [];
      const gpus = shares
        .map(({ gpu, share }) => `${gpu} (${Math.round(100 * share)} %)`)
        .join(", ");
      const { severity, words, hint } = THROTTLE_WORDS[reason];
      return [{ id: `gpu-${reason}`, severity, message: `${words} GPU ${gpus} of the time`, hint }];
    });
  }
}

const THROTTLE_WORDS = {
  "power-cap": {
    severity: "note",
    words: "The power limit lowered the clocks of",
    hint: "Usual under full load; arms are comparable when it holds for all of them",
  },
  thermal: {
    severity: "untrusted",
    words: "Heat lowered the clocks of",
    hint: "Let the machine cool, or look after its fans; a later arm is slower for it",
  },
  hardware: {
    severity: "untrusted",
    words: "The hardware lowered the clocks of",
    hint: "Look after its power supply: nvidia-smi -q -d PERFORMANCE",
  },
} as const satisfies Record<
  ThrottleReason,
  { severity: Finding["severity"]; words: string; hint: string }
>;
