/** Why vLLM ended, from the lines of its log. Pure. Texts are those of vLLM 0.31. */
import { explainer, type Reason } from "../../shared/model-servers/log-reasons.ts";

const OWN: readonly Reason[] = [
  {
    seen: /Free memory on device[^(]*\(([\d.]+)\/([\d.]+) GiB\) on startup is less than desired/,
    reason: ([, free, total]) => ({
      what: `another program holds the GPU: ${free} of ${total} GiB are free`,
      hint: "End it (nvidia-smi names it), choose other GPUs with --gpu-offset, or use -- --gpu-memory-utilization 0.5",
    }),
  },
  {
    seen: /No available memory for the cache blocks/,
    reason: () => ({
      what: "the weights leave no memory for the KV cache",
      hint: "Use more GPUs a server (--tensor-parallel-size), or -- --gpu-memory-utilization 0.95",
    }),
  },
  {
    seen: /max seq len \((\d+)\)[^]*?estimated maximum model length is (\d+)/,
    reason: ([, wanted, possible]) => ({
      what: `the KV cache holds no request of ${wanted} tokens`,
      hint: `Use --max-model-len ${possible}, or more memory: -- --gpu-memory-utilization 0.95`,
    }),
  },
  {
    seen: /max seq len \((\d+)\)/,
    reason: ([, wanted]) => ({
      what: `the KV cache holds no request of ${wanted} tokens`,
      hint: "Lower --max-model-len, or give it more memory: -- --gpu-memory-utilization 0.95",
    }),
  },
  {
    seen: /User-specified max_model_len \((\d+)\) is greater than the derived max_model_len \([^)]*?(\d+)/,
    reason: ([, wanted, possible]) => ({
      what: `the model knows contexts of ${possible} tokens, and ${wanted} were asked for`,
      hint: `Use --max-model-len ${possible}`,
    }),
  },
  {
    seen: /No common block size for (\d+) \((.*)\)/,
    reason: ([, size, kinds]) => ({
      what: `blocks of ${size} tokens are not possible here: ${kinds}`,
      hint: "Use another --block-size: 64, or 32",
    }),
  },
  {
    seen: /(?:Head size (\d+) is not supported|head_size[^\n]*not supported)/i,
    reason: () => ({
      what: "no attention backend takes the model's head size",
      hint: "Use another model, or another backend: -- --attention-backend NAME",
    }),
  },
  {
    seen: /Minimum capability: (\d+)\. Current capability: (\d+)/,
    reason: ([, least, is]) => ({
      what: `the model's quantization needs compute capability ${capability(least!)}, and this GPU has ${capability(is!)}`,
      hint: "Use a newer GPU, or a model that is quantized otherwise",
    }),
  },
  {
    seen: /([\w() -]*must be divisible by[\w() -]*)/,
    reason: ([, what]) => ({
      what: what!.trim(),
      hint: "Use another --tensor-parallel-size",
    }),
  },
];

/** The first known reason in a log. */
export const explainVllm = explainer({
  title: "vLLM",
  module: "vllm",
  memoryHint:
    "Lower --max-num-batched-tokens or --max-model-len, or let vLLM take less for its KV cache: -- --gpu-memory-utilization 0.8",
  own: OWN,
});

/** 90 → 9.0. */
function capability(text: string): string {
  return (Number(text) / 10).toFixed(1);
}
