/**
 * What a worker accepts: which sizes it can have, and which requests it can ever serve.
 */
import { DynbenchError } from "dynbench";
import type { WorkerLimits, WorkerRequest } from "dynbench/engine";
import type { Sequence } from "./sequence.ts";

/** About 1 GB of tables a worker; the largest GPUs hold a hundred times fewer blocks. */
const MAX_KV_BLOCKS = 1 << 24;

/** Throws a plan error for sizes that no worker can have. */
export function checkSizes(limits: WorkerLimits, timeScale: number): void {
  for (const [name, value] of Object.entries(limits)) {
    const whole = Number.isInteger(value) || (name === "maxModelLen" && value === Infinity);
    if (!whole || value < 1) {
      throw new DynbenchError("plan", `Cannot model a worker: "${name}" is ${value}`, {
        hint: "Use a whole number from 1",
      });
    }
  }
  if (limits.kvBlocks > MAX_KV_BLOCKS) {
    throw new DynbenchError("plan", `Cannot model a worker: "kvBlocks" is ${limits.kvBlocks}`, {
      hint: `Use at most ${MAX_KV_BLOCKS}`,
    });
  }
  if (!(timeScale > 0 && timeScale < Infinity)) {
    throw new DynbenchError("plan", `Cannot model a worker: the speedup is ${timeScale}`, {
      hint: "Use a number above 0",
    });
  }
}

/**
 * Why a request can never be served, in vLLM's wording where it has one: vLLM 0.32 answers a prompt that
 * is too long with 400, and refuses to start at all when one request could outgrow the cache.
 */
export function refusalOf(request: WorkerRequest, limits: WorkerLimits): string | undefined {
  const { isl, osl, blocks } = request;
  const { maxModelLen, blockSize, kvBlocks } = limits;
  if (isl < 1) return "The decoder prompt cannot be empty";
  if (osl < 1) return `max_tokens must be at least 1, got ${osl}.`;
  if (isl >= maxModelLen) {
    return (
      `This model's maximum context length is ${maxModelLen} tokens. However, your prompt contains ` +
      `${isl} input tokens. Please reduce the length of the input prompt.`
    );
  }
  if (blocks.length !== Math.floor(isl / blockSize)) {
    throw new Error(`Worker request ${request.id}: ${blocks.length} blocks for ${isl} tokens`);
  }
  const needed = mostBlocks(request, limits);
  if (needed <= kvBlocks) return undefined;
  return (
    `The prompt of ${isl} tokens and its output need ${needed} KV cache blocks of ${blockSize} tokens, ` +
    `more than the ${kvBlocks} available. Reduce the prompt or raise the number of KV blocks.`
  );
}

function outputTokensOf(request: WorkerRequest, { maxModelLen }: WorkerLimits): number {
  return Math.min(request.osl, maxModelLen - request.isl);
}

/** Blocks held at the end: the last output token is never computed. */
function mostBlocks(request: WorkerRequest, limits: WorkerLimits): number {
  return Math.ceil((request.isl + outputTokensOf(request, limits) - 1) / limits.blockSize);
}

/** A request as the scheduler will see it, from `readyNs` on. */
export function newSequence(
  request: WorkerRequest,
  limits: WorkerLimits,
  readyNs: number,
): Sequence {
  return {
    request,
    outputTokens: outputTokensOf(request, limits),
    readyNs,
    generated: 0,
    computed: 0,
    decoding: false,
    admitted: false,
    stepTokens: 0,
    aborted: false,
    receives: request.handoff === "receive",
    lastTokenNs: 0,
    physicals: new Int32Array(mostBlocks(request, limits)),
    held: 0,
    cached: 0,
    generatedBlocks: [],
  };
}
