/**
 * Why a vLLM server ended, read in its last log lines: from the line to a sentence and the flag to
 * change. Pure. Texts are those of vLLM 0.31 and PyTorch 2.13; the first that fits counts, so causes
 * come before what they lead to.
 */
import type { Explanation } from "dynbench";

/** The reason a log gives, if it is one that is known. */
export function explainVllm(lines: readonly string[]): Explanation | undefined {
  // A warning is what it went on after: of kernels, say, that this build does without.
  const text = lines.filter((line) => !/ WARNING /.test(line)).join("\n");
  for (const { seen, reason } of REASONS) {
    const match = seen.exec(text);
    if (match) return reason(match);
  }
  return undefined;
}

interface Reason {
  readonly seen: RegExp;
  readonly reason: (match: RegExpExecArray) => Explanation;
}

const REASONS: readonly Reason[] = [
  {
    seen: /No module named '?(vllm[\w.]*)'?/,
    reason: ([, module]) => ({
      what: `this Python has no ${module}`,
      hint: "Name the Python that has vLLM: --python PATH",
    }),
  },
  {
    seen: /PackageNotFoundError: No package metadata was found for (\S+)/,
    reason: ([, name]) => ({
      what: `the installation lacks the metadata of "${name}"`,
      hint: "Install vLLM again in that Python",
    }),
  },
  {
    seen: /error: unrecognized arguments: (.*)/,
    reason: ([, flags]) => ({
      what: `this vLLM does not know ${flags}`,
      hint: "Mend what is given after --",
    }),
  },
  {
    seen: /error: (argument \S+: .*)/,
    reason: ([, what]) => ({ what: what!, hint: "Mend what is given after --" }),
  },
  {
    seen: /(CUDA out of memory|torch\.OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED)/,
    reason: () => ({
      what: "CUDA out of memory",
      hint: "Lower --max-num-batched-tokens or --max-model-len, or let vLLM take less for its KV cache: -- --gpu-memory-utilization 0.8",
    }),
  },
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
    seen: /address already in use/i,
    reason: () => ({
      what: "another program has its port",
      hint: "End it, or choose others: --first-port",
    }),
  },
  {
    seen: /Cannot access gated repo|is restricted and you are not in the authorized list|GatedRepoError/,
    reason: () => ({
      what: "the model is gated",
      hint: "Ask for access on its page, and set HF_TOKEN in the environment of dynbench",
    }),
  },
  {
    seen: /Couldn't instantiate the backend tokenizer|Can't load tokenizer for '([^']*)'/,
    reason: () => ({
      what: "the model folder has no tokenizer",
      hint: "Copy tokenizer.json and tokenizer_config.json into it, or name another: -- --tokenizer PATH",
    }),
  },
  {
    seen: /LocalEntryNotFoundError|We couldn't connect to '(https?:[^']*)'|OfflineModeIsEnabled/,
    reason: () => ({
      what: "the model is not here, and the hub cannot be reached",
      hint: "Check the network, or give a model folder: --model-path DIR",
    }),
  },
  {
    seen: /(?:Can't load the configuration of|is not a local folder and is not a valid model identifier|Repository Not Found)[^\n]*/,
    reason: () => ({
      what: "there is no such model, in a folder or on the hub",
      hint: "Check --model-path; a private model needs HF_TOKEN in the environment of dynbench",
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
    seen: /Failed to infer device type|No CUDA GPUs are available|Found no NVIDIA driver/,
    reason: () => ({
      what: "vLLM finds no GPU",
      hint: "Check nvidia-smi and CUDA_VISIBLE_DEVICES; without a GPU a CPU build of vLLM is needed",
    }),
  },
  {
    seen: /([\w() -]*must be divisible by[\w() -]*)/,
    reason: ([, what]) => ({
      what: what!.trim(),
      hint: "Use another --tensor-parallel-size",
    }),
  },
  {
    seen: /EngineDeadError|EngineCore encountered an issue/,
    reason: () => ({
      what: "its engine process died",
      hint: "The cause stands further up in its log",
    }),
  },
];

/** 90 → 9.0. */
function capability(text: string): string {
  return (Number(text) / 10).toFixed(1);
}
