/**
 * What `--timing` can name: five GPUs serving an 8B model, and Dynamo's mocker.
 *
 * The model is Llama-3.1-8B = DeepSeek-R1-Distill-Llama-8B in bf16 on one GPU: 131,072 bytes of KV per
 * token. Step coefficients are fits to the kernel times of NVIDIA's AI Configurator (Apache-2.0, vLLM
 * 0.24 tables, A100 0.14): mean error about 3 %, at most 11 % against the summed kernels.
 */
import type { WorkerLimits } from "dynbench/engine";
import { dynamoTiming, gpuTiming, type GpuCoefficients, type StepTiming } from "./timing.ts";

export const TIMING_NAMES = ["l40s", "a100", "h100", "h200", "b200", "dynamo"] as const;
export type TimingName = (typeof TIMING_NAMES)[number];

export interface TimingPreset {
  readonly summary: string;
  /** KV capacity in tokens. */
  readonly kvTokens: number;
  readonly maxNumBatchedTokens: number;
  readonly maxNumSeqs: number;
  /** The timing of a worker of these sizes; `requestCostMs` replaces the preset's. */
  timing(
    limits: Pick<WorkerLimits, "kvBlocks" | "blockSize">,
    overrides?: { readonly requestCostMs?: number },
  ): StepTiming;
}

/** KV blocks of a preset at a block size: whole blocks only. */
export function kvBlocksOf(preset: TimingPreset, blockSize: number): number {
  return Math.floor(preset.kvTokens / blockSize);
}

/**
 * API server, tokenizer and scheduling of one request: 10 to 15 ms (BLIS fits 10.3 to 15.6 ms on H100,
 * inference-sim defaults.yaml).
 */
export const GPU_REQUEST_COST_MS = 12;

/** Limits of the benchmarking guide's vLLM engines. */
const GUIDE_LIMITS = { maxNumBatchedTokens: 16_384, maxNumSeqs: 256 };

/**
 * KV tokens are given in blocks of 64 (8,388,608 bytes). They follow vLLM's rule at 0.9 utilisation:
 * 0.9 · memory − 16.06 GB of weights − 1.5 GB for activations and graphs. Memory: L40S 46,068 MiB,
 * A100 and H100 80 GiB, H200 141 GB, B200 180 GB (the vendor's figures; the last one is derived by this
 * rule alone, the others also agree with what vLLM reports).
 */
export const TIMING_PRESETS: Readonly<Record<TimingName, TimingPreset>> = {
  l40s: gpu("NVIDIA L40S 48 GB", 3_089, {
    weightsMs: 22.62,
    perTokenUs: 66.06,
    perPairNs: 4.856,
    perContextTokenNs: 206.6,
    perSequenceUs: 14.4,
    exponent: 1.9,
  }),
  a100: gpu("NVIDIA A100 SXM 80 GB", 7_123, {
    weightsMs: 11.7,
    perTokenUs: 60,
    perPairNs: 2.714,
    perContextTokenNs: 83.2,
    perSequenceUs: 10.7,
    exponent: 1.9,
  }),
  h100: gpu("NVIDIA H100 SXM 80 GB", 7_123, {
    weightsMs: 6.52,
    perTokenUs: 19.35,
    perPairNs: 1.117,
    perContextTokenNs: 44.2,
    perSequenceUs: 4.3,
    exponent: 1.8,
  }),
  h200: gpu("NVIDIA H200 SXM 141 GB", 13_034, {
    weightsMs: 5.12,
    perTokenUs: 18.99,
    perPairNs: 1.116,
    perContextTokenNs: 31.8,
    perSequenceUs: 4.1,
    exponent: 1.9,
  }),
  b200: gpu("NVIDIA B200 180 GB", 17_218, {
    weightsMs: 3.62,
    perTokenUs: 10.06,
    perPairNs: 0.47,
    perContextTokenNs: 18.6,
    perSequenceUs: 0.3,
    exponent: 1.5,
  }),
  dynamo: {
    summary: "Dynamo's mocker 1.6.1, polynomial timing",
    kvTokens: 16_384 * 64,
    maxNumBatchedTokens: 8_192,
    maxNumSeqs: 256,
    timing: ({ kvBlocks, blockSize }, overrides) => ({
      ...dynamoTiming({ kvTokens: kvBlocks * blockSize, batchMean: "integer" }),
      ...overrides,
    }),
  },
};

function gpu(summary: string, blocksOf64: number, coefficients: GpuCoefficients): TimingPreset {
  return {
    summary,
    kvTokens: blocksOf64 * 64,
    ...GUIDE_LIMITS,
    timing: (_limits, overrides) =>
      gpuTiming(coefficients, overrides?.requestCostMs ?? GPU_REQUEST_COST_MS),
  };
}
