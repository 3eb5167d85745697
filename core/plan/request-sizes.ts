/** Requests that a worker can never hold, with their prompt and their answer: how many, and which options help. Pure. */
import { isNamed, optionSpecs } from "./option-spec.ts";
import { pointLabel } from "./sweep.ts";
import type { Fault } from "../base/errors.ts";
import type { Engine } from "../contract/engine.ts";
import type { PlannedCell } from "../contract/plan.ts";
import type { OptionsSchema } from "../contract/plugin.ts";
import type { Workload } from "../contract/workload.ts";

/** Sizes of an engine's workers, as far as they are known. */
export interface EngineLimits {
  readonly engine: Pick<Engine, "name" | "options">;
  readonly blockSize: number;
  /** Workers that compute prompts. */
  readonly workers: number;
  readonly kvBlocks: number | undefined;
  readonly maxModelLen: number | undefined;
}

export interface SizeBound {
  readonly engine: EngineLimits["engine"];
  readonly kind: "cache" | "context";
  /** Most tokens of prompt and answer together. */
  readonly tokens: number;
  /** `does not fit …`. */
  readonly fault: string;
}

/** The lengths of a point's requests. */
export interface Sizes {
  /** The request with most tokens. */
  readonly longest: { readonly isl: number; readonly osl: number };
  /** Requests beyond each bound, and all of them; left out where not all were looked at. */
  readonly counts?: { readonly beyond: readonly number[]; readonly all: number };
}

export interface SizeFault extends Fault {
  readonly bound: SizeBound;
}

export function sizeBounds(limits: readonly EngineLimits[]): SizeBound[] {
  return limits.flatMap(({ engine, blockSize, kvBlocks, maxModelLen }): SizeBound[] => {
    const cache = kvBlocks === undefined ? undefined : kvBlocks * blockSize;
    const { name } = engine;
    return [
      ...(cache === undefined
        ? []
        : [
            {
              ...({ engine, kind: "cache", tokens: cache } as const),
              fault: `does not fit the KV cache of a "${name}" worker, ${kvBlocks} blocks of ${blockSize}`,
            },
          ]),
      // A context limit that is the size of the cache is the same fault.
      ...(maxModelLen === undefined || maxModelLen === cache
        ? []
        : [
            {
              ...({ engine, kind: "context", tokens: maxModelLen } as const),
              fault: `exceeds the context of "${name}", ${maxModelLen} tokens`,
            },
          ]),
    ];
  });
}

/** One for each bound that a request of the point exceeds. */
export function sizeFaults(
  {
    parameters,
    workload,
  }: { parameters: PlannedCell["parameters"]; workload: Pick<Workload, "options"> },
  { longest, counts }: Sizes,
  bounds: readonly SizeBound[],
): SizeFault[] {
  const where = pointLabel(parameters);
  const at = where === "" ? "" : ` (at ${where})`;
  const what = `a request of ${longest.isl} prompt and ${longest.osl} output tokens`;
  const tokens = longest.isl + longest.osl;
  return bounds.flatMap((bound, i): SizeFault[] => {
    if (tokens <= bound.tokens) return [];
    const many =
      counts === undefined ? "" : `; ${counts.beyond[i]} of ${counts.all} requests are too large`;
    return [
      {
        path: "workload",
        message: `${what} ${bound.fault}${at}${many}`,
        hint: hintOf(bound, { workload, longest }),
        bound,
      },
    ];
  });
}

function hintOf(
  { engine, kind, tokens }: SizeBound,
  { workload, longest }: { workload: Pick<Workload, "options">; longest: Sizes["longest"] },
): string {
  const gpu = has(engine.options, "gpu") ? " (a larger --gpu holds more)" : "";
  const raise =
    kind === "cache"
      ? has(engine.options, "kv-blocks") && `enlarge the cache with --kv-blocks${gpu}`
      : has(engine.options, "max-model-len") &&
        `raise the limit with --max-model-len ${longest.isl + longest.osl}${gpu}`;
  const most = Math.max(1, tokens - longest.osl);
  const shorten = has(workload.options, "max-isl")
    ? `leave long prompts out with --max-isl ${most}`
    : has(workload.options, "isl")
      ? "shorten the prompts with --isl"
      : "shorten the prompts";
  const all = [raise, shorten].filter((part) => part !== false).join(", or ");
  return all[0]!.toUpperCase() + all.slice(1);
}

function has(options: OptionsSchema, flag: string): boolean {
  return optionSpecs(options).some((spec) => isNamed(spec, flag));
}
