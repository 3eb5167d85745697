/**
 * Options of the mocker, and the sizes and timing that follow from them. Defaults that depend on other options (KV blocks on
 * the GPU, the context limit on KV blocks) are left open in the schema and filled in one place.
 */
import { given, v } from "dynbench";
import type { Plane, WorkerLimits, WorkerRole } from "dynbench/engine";
import { text, whole, within } from "../../shared/option-shapes.ts";
import { fitFaults, roleFaults, rosterOf, type OptionFault } from "../../shared/worker-roles.ts";
import type { SchedulingPolicy } from "./batch.ts";
import type { TransferTiming } from "./handoffs.ts";
import { kvBlocksOf, TIMING_NAMES, TIMING_PRESETS } from "./gpus.ts";
import type { StepTiming } from "./timing.ts";

/** Each worker is a process; more would not fit any machine. */
const MAX_WORKERS = 256;
const MAX_SIZE = 2 ** 31 - 1;
/** A thousand times slower; below that a run never ends. */
const MIN_SPEEDUP = 1e-3;
const MAX_SPEEDUP = 1e6;
/** As many as the launch script of Dynamo's router benchmarking guide starts. */
const DEFAULT_WORKERS = 8;

/** A minute for one transfer, a petabyte a second: a larger figure is a typing error. */
const MAX_TRANSFER_LATENCY_MS = 60_000;
const MAX_TRANSFER_GB_PER_S = 1e6;

/** Context limit of the benchmarking guide's engines (`--max-model-len 32768`). */
const GUIDE_MODEL_LEN = 32_768;

const workerCount = whole(1, MAX_WORKERS);
const size = whole(1, MAX_SIZE);

export const mockerOptions = v.strictObject({
  workers: v.pipe(
    v.optional(workerCount),
    v.description("Simulated workers for prefill and decode both, a process each; default: 8"),
    v.metadata({ aliases: ["num-workers"] }),
  ),
  prefillWorkers: v.pipe(
    v.optional(workerCount),
    v.description("Workers for prefill alone, in place of --workers; with --decode-workers"),
  ),
  decodeWorkers: v.pipe(
    v.optional(workerCount),
    v.description("Workers for decode alone, in place of --workers; with --prefill-workers"),
  ),
  modelPath: v.pipe(
    v.optional(text, "deepseek-ai/DeepSeek-R1-Distill-Llama-8B"),
    v.description(
      "Model whose name is served; only its tokenizer is loaded, where this is a folder that has one",
    ),
    v.metadata({ aliases: ["model"] }),
  ),
  servedModelName: v.pipe(
    v.optional(text),
    v.description("Model name that requests must use; default: the whole --model-path, as in vLLM"),
  ),
  tokenizer: v.pipe(
    v.optional(text),
    v.description(
      "Folder with a model's tokenizer.json, for prompts as text; default: --model-path, or else the built-in tokenizer",
    ),
  ),
  timing: v.pipe(
    v.optional(v.picklist(TIMING_NAMES), "l40s"),
    v.description(
      "GPU whose step times and KV capacity are simulated for an 8B model in bf16; dynamo: the " +
        "formulas and limits of Dynamo's mocker",
    ),
    v.metadata({ aliases: ["gpu"] }),
  ),
  speedup: v.pipe(
    v.optional(within(MIN_SPEEDUP, MAX_SPEEDUP), 1),
    v.description("How many times faster than the simulated GPU everything runs"),
    v.metadata({ aliases: ["speedup-ratio"] }),
  ),
  requestCostMs: v.pipe(
    v.optional(within(0, 60_000)),
    v.description(
      "Milliseconds of each request before it is scheduled; default: those of --timing",
    ),
  ),
  blockSize: v.pipe(v.optional(size, 64), v.description("Tokens per KV block")),
  kvBlocks: v.pipe(
    v.optional(size),
    v.description("KV blocks per worker; default: what fits the GPU (L40S: 3089 of 64 tokens)"),
  ),
  maxNumBatchedTokens: v.pipe(
    v.optional(size),
    v.description("Most tokens that a step computes; default: 16384, with --timing dynamo 8192"),
  ),
  maxNumSeqs: v.pipe(v.optional(size), v.description("Most sequences in a batch; default: 256")),
  schedulingPolicy: v.pipe(
    v.optional(v.picklist(["fcfs", "priority"]), "fcfs"),
    v.description(
      "Which requests are admitted first and preempted last, as vLLM's option of this name: fcfs " +
        "(first come, first served), or priority",
    ),
  ),
  maxModelLen: v.pipe(
    v.optional(size),
    v.description(
      "Most tokens of prompt and answer together; default: 32768 or what the KV cache holds, " +
        "whichever is less; with --timing dynamo what the cache holds",
    ),
  ),
  python: v.pipe(
    v.optional(text, "python3"),
    v.description("Plane dynamo: Python that has the package ai-dynamo"),
  ),
  kvTransferGbPerS: v.pipe(
    v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(MAX_TRANSFER_GB_PER_S)), 64),
    v.description(
      "GB/s at which a decode worker reads a prompt's KV from a prefill worker. 64 is InfiniBand " +
        "between nodes (the default of Dynamo's mocker), NVLink is 450",
    ),
    v.metadata({ aliases: ["kv-transfer-bandwidth"] }),
  ),
  kvTransferLatencyMs: v.pipe(
    v.optional(within(0, MAX_TRANSFER_LATENCY_MS), 0),
    v.description("Milliseconds of such a transfer before its first byte"),
  ),
  kvBytesPerToken: v.pipe(
    v.optional(size, 131_072),
    v.description(
      "Bytes of KV that a transfer carries per token; the default is that of Llama-3.1-8B in bf16: " +
        "K and V of 32 layers, 8 heads of 128, 2 bytes each",
    ),
  ),
  kvEventsForm: v.pipe(
    v.optional(v.picklist(["map", "array"]), "map"),
    v.description(
      "KV events as vLLM 0.26 and newer write them (map), or as older releases do (array)",
    ),
  ),
});

export type MockerOptions = v.InferOutput<typeof mockerOptions>;

/** The options with every default filled in. */
export interface ResolvedMocker {
  readonly workers: readonly { readonly id: string; readonly role: WorkerRole }[];
  readonly servedModelName: string;
  readonly limits: WorkerLimits;
  readonly timing: StepTiming;
  readonly timeScale: number;
  readonly transfer: TransferTiming;
  readonly policy: SchedulingPolicy;
}

export function resolveMocker(options: MockerOptions): ResolvedMocker {
  const preset = TIMING_PRESETS[options.timing];
  const { blockSize, requestCostMs } = options;
  const kvBlocks = options.kvBlocks ?? Math.max(1, kvBlocksOf(preset, blockSize));
  const capacity = kvBlocks * blockSize;
  const limits = {
    blockSize,
    kvBlocks,
    maxNumSeqs: options.maxNumSeqs ?? preset.maxNumSeqs,
    maxNumBatchedTokens: options.maxNumBatchedTokens ?? preset.maxNumBatchedTokens,
    maxModelLen:
      options.maxModelLen ??
      (options.timing === "dynamo" ? capacity : Math.min(GUIDE_MODEL_LEN, capacity)),
  };
  return {
    workers: rosterOf(options, options.workers ?? DEFAULT_WORKERS),
    servedModelName: options.servedModelName ?? options.modelPath,
    limits,
    timing: preset.timing(limits, given({ requestCostMs })),
    timeScale: options.speedup,
    policy: options.schedulingPolicy,
    transfer: {
      latencyNs: options.kvTransferLatencyMs * 1e6,
      // Bytes by GB/s are nanoseconds. Blocks are read whole, as by vLLM's NIXL connector.
      perBlockNs: (blockSize * options.kvBytesPerToken) / options.kvTransferGbPerS,
    },
  };
}

/** Faults that only several options together show, or an option and the plane. */
export function checkMocker(
  options: MockerOptions,
  { plane }: { readonly plane: Plane },
): OptionFault[] {
  return [
    ...roleFaults(options),
    ...fitFaults(resolveMocker(options).limits),
    ...(plane === "dynamo" ? [...dynamosTiming(options), ...dynamosPolicy(options)] : []),
  ];
}

/** On plane dynamo the workers are Dynamo's own mocker, which has no other timing. */
function dynamosTiming({ timing }: MockerOptions): OptionFault[] {
  if (timing === "dynamo") return [];
  return [
    {
      path: "timing",
      message: `Dynamo's mocker, which serves on plane dynamo, has no timing "${timing}"`,
      hint: "Leave --timing out, or use --timing dynamo; all arms of the comparison then have it",
    },
  ];
}

function dynamosPolicy({ schedulingPolicy }: MockerOptions): OptionFault[] {
  if (schedulingPolicy === "fcfs") return [];
  return [
    {
      path: "schedulingPolicy",
      message: "Dynamo's mocker, which serves on plane dynamo, serves first come, first served",
      hint: "Leave --scheduling-policy out, or measure a router on HTTP workers",
    },
  ];
}
