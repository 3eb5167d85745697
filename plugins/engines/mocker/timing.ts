/**
 * How long one engine step takes, as pure formulas in nanoseconds.
 *
 * A step with prompt work has one duration. A batch that only decodes has a polynomial in the step
 * number, because contexts grow by one token per sequence and step: that is what lets a simulator
 * jump over hundreds of steps at once.
 */
import { pow } from "dynbench";

export interface StepTiming {
  /** Time a request spends in the API server and tokenizer before the scheduler sees it. */
  readonly requestCostMs: number;
  /** Duration of a step in which at least one sequence does prompt work. Not rounded. */
  mixedStepNs(batch: StepBatch): number;
  /** Steps of a batch that only decodes, written into `out`. Not rounded. */
  decodeSteps(decoders: number, contextTokens: number, out: DecodeSteps): void;
}

/** What a step computes, as sums: every formula here needs no more. */
export interface StepBatch {
  /** Sequences doing prompt work, their new tokens, and the tokens that came before those. */
  prefills: number;
  prefillTokens: number;
  pastTokens: number;
  /** Causal attention pairs of the prompt work: Σ tokens · (past + (tokens + 1) / 2). */
  pairs: number;
  /** Sequences making one further token, and the sum of their contexts, that token's input included. */
  decoders: number;
  contextTokens: number;
}

/** Step k takes `firstNs + k·growthNs + k²·growth2Ns`; the formula holds for `steps` steps. */
export interface DecodeSteps {
  firstNs: number;
  growthNs: number;
  growth2Ns: number;
  steps: number;
}

/** Coefficients of `gpuTiming`; times in the units of their names. */
export interface GpuCoefficients {
  /** Reading the weights: the least a step takes. */
  readonly weightsMs: number;
  readonly perTokenUs: number;
  readonly perPairNs: number;
  readonly perContextTokenNs: number;
  readonly perSequenceUs: number;
  /** How sharply a step turns from memory-bound to compute-bound. */
  readonly exponent: number;
}

/**
 * A GPU's step: (W^q + (c_tok·n)^q)^(1/q) + c_attn·pairs + c_kv·Σcontext + c_seq·batch, with n all new
 * tokens of the step. Fitted to measured kernel times; see the presets for source and error.
 */
export function gpuTiming(gpu: GpuCoefficients, requestCostMs: number): StepTiming {
  const denseNs = (tokens: number): number => {
    const weights = pow(gpu.weightsMs * 1e6, gpu.exponent);
    const compute = pow(gpu.perTokenUs * 1e3 * tokens, gpu.exponent);
    return pow(weights + compute, 1 / gpu.exponent);
  };
  // Asked anew at every change of a decode batch, for few different sizes: at most maxNumSeqs entries.
  const denseOfDecoders: number[] = [];
  return {
    requestCostMs,
    mixedStepNs: (batch) =>
      denseNs(batch.prefillTokens + batch.decoders) +
      gpu.perPairNs * batch.pairs +
      gpu.perContextTokenNs * batch.contextTokens +
      gpu.perSequenceUs * 1e3 * (batch.prefills + batch.decoders),
    decodeSteps: (decoders, contextTokens, out) => {
      const dense = (denseOfDecoders[decoders] ??= denseNs(decoders));
      out.firstNs =
        dense + gpu.perContextTokenNs * contextTokens + gpu.perSequenceUs * 1e3 * decoders;
      out.growthNs = gpu.perContextTokenNs * decoders;
      out.growth2Ns = 0;
      out.steps = Infinity;
    },
  };
}

export interface DynamoTimingOptions {
  /** KV capacity that utilisation is measured against: blocks · block size. */
  readonly kvTokens: number;
  /**
   * How the mean new tokens of a prefill batch are formed. Dynamo divides integers before it multiplies
   * by the batch again, so 1000 + 1001 tokens cost as much as 2000: an accident, kept for comparisons.
   */
  readonly batchMean: "integer" | "exact";
}

/**
 * Dynamo's mocker, polynomial timing (measured on 1.6.1): P(n) = 4.209989e-7 n² + 1.518344e-2 n +
 * 16.50142 ms for the prompt work plus D(u) = max(1, −25.74 u² + 54.01 u + 5.74) ms for the decoders,
 * u = Σcontext / capacity, at most 1. Within that range D never falls below 5.74, so its floor is moot.
 */
export function dynamoTiming({ kvTokens, batchMean }: DynamoTimingOptions): StepTiming {
  const decodeNs = (u: number): number => (-25.74 * u * u + 54.01 * u + 5.74) * 1e6;
  return {
    requestCostMs: 0,
    mixedStepNs: (batch) => {
      const n = batchMean === "integer" ? integerMeanTokens(batch) : batch.prefillTokens;
      const prefillMs = 4.209989e-7 * n * n + 1.518344e-2 * n + 16.50142;
      const decode = batch.decoders > 0 ? decodeNs(Math.min(1, batch.contextTokens / kvTokens)) : 0;
      return (n > 0 ? prefillMs * 1e6 : 0) + decode;
    },
    decodeSteps: (decoders, contextTokens, out) => {
      const u = contextTokens / kvTokens;
      const uPerStep = decoders / kvTokens;
      const full = u >= 1;
      out.firstNs = decodeNs(full ? 1 : u);
      out.growthNs = full ? 0 : (-2 * 25.74 * u + 54.01) * uPerStep * 1e6;
      out.growth2Ns = full ? 0 : -25.74 * uPerStep * uPerStep * 1e6;
      out.steps = full ? Infinity : Math.floor((kvTokens - contextTokens) / decoders) + 1;
    },
  };
}

function integerMeanTokens(batch: StepBatch): number {
  const meanLength = Math.floor((batch.pastTokens + batch.prefillTokens) / batch.prefills);
  const meanPast = Math.floor(batch.pastTokens / batch.prefills);
  return batch.prefills * (meanLength - meanPast);
}
