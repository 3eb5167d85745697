/** Why TensorRT-LLM ended, from the lines of its log. Pure. Texts are those of TensorRT-LLM 1.2's sources. */
import { explainer, type Reason } from "../../shared/model-servers/log-reasons.ts";

const MEMORY_HINT =
  "Lower --max-num-batched-tokens or --max-num-seqs, or let TensorRT-LLM take less for its KV cache: -- --free_gpu_memory_fraction 0.8";

const OWN: readonly Reason[] = [
  {
    seen: /CUDA runtime error in [^\n]*: out of memory|cudaErrorMemoryAllocation/,
    reason: () => ({ what: "CUDA out of memory", hint: MEMORY_HINT }),
  },
  {
    seen: /Failed to bind socket to (\S+):/,
    reason: ([, place]) => ({
      what: `another program has ${place}`,
      hint: "End it, or choose others: --first-port",
    }),
  },
  {
    seen: /No such option: (--?[\w-]+)/,
    reason: ([, flag]) => ({
      what: `this TensorRT-LLM does not know ${flag}`,
      hint: "Mend what is given after --",
    }),
  },
  {
    seen: /No GPU devices found on the node/,
    reason: () => ({
      what: "TensorRT-LLM finds no GPU",
      hint: "Check nvidia-smi and CUDA_VISIBLE_DEVICES",
    }),
  },
  {
    seen: /libmpi[^\n]*cannot open shared object file/,
    reason: () => ({
      what: "MPI is not installed",
      hint: "Install libopenmpi, or start in NVIDIA's container: --python of it",
    }),
  },
];

/** The first known reason in a log. */
export const explainTrtllm = explainer({
  title: "TensorRT-LLM",
  module: "tensorrt_llm",
  memoryHint: MEMORY_HINT,
  own: OWN,
});
