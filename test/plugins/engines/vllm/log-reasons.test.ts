/** From the last lines of a server that failed to a reason and a hint; captured logs, and lines of sources. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { explainVllm } from "../../../../plugins/engines/vllm/log-reasons.ts";

const captured = (name: string): string[] =>
  readFileSync(join(import.meta.dir, "../../../fixtures/vllm-logs", `${name}.log`), "utf8").split(
    "\n",
  );

describe("captured logs of vLLM 0.31", () => {
  const expected: Record<string, [what: string, hint: string]> = {
    "unknown-flag": ["this vLLM does not know --kv-blocks", "Mend what is given after --"],
    "block-size-16": [
      "blocks of 16 tokens are not possible here: CPU_ATTN: [MultipleOf(32)]",
      "Use another --block-size: 64, or 32",
    ],
    "context-too-long": [
      "the model knows contexts of 32768 tokens, and 65536 were asked for",
      "Use --max-model-len 32768",
    ],
    "cache-too-small": [
      "the KV cache holds no request of 2048 tokens",
      "Use --max-model-len 576, or more memory: -- --gpu-memory-utilization 0.95",
    ],
    "no-tokenizer": ["the model folder has no tokenizer", "Copy tokenizer.json"],
    "hub-unreachable": ["the model is not here, and the hub cannot be reached", "--model-path DIR"],
    "port-taken": ["another program has its port", "--first-port"],
    "heads-not-divisible": [
      "Total number of attention heads (4) must be divisible by tensor parallel size (3)",
      "Use another --tensor-parallel-size",
    ],
  };
  for (const [name, [what, hint]] of Object.entries(expected)) {
    test(name, () => {
      const reason = explainVllm(captured(name));
      expect(reason?.what).toBe(what);
      expect(reason?.hint).toContain(hint);
    });
  }
});

describe("lines of vLLM's and PyTorch's sources", () => {
  const expected: [line: string, what: string][] = [
    [
      "(EngineCore pid=9) torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 44.40 GiB of which 1.31 GiB is free.",
      "CUDA out of memory",
    ],
    [
      "ValueError: Free memory on device cuda:0 (3.1/44.4 GiB) on startup is less than desired GPU memory utilization (0.92, 40.85 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.",
      "another program holds the GPU: 3.1 of 44.4 GiB are free",
    ],
    [
      "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine",
      "the weights leave no memory for the KV cache",
    ],
    [
      "huggingface_hub.errors.GatedRepoError: 401 Client Error. Cannot access gated repo for url X.",
      "the model is gated",
    ],
    ["/usr/bin/python3: No module named vllm", "this Python has no vllm"],
    [
      "importlib.metadata.PackageNotFoundError: No package metadata was found for vllm",
      'the installation lacks the metadata of "vllm"',
    ],
    [
      "ValueError: The quantization method mxfp4 is not supported for the current GPU. Minimum capability: 80. Current capability: 75.",
      "the model's quantization needs compute capability 8.0, and this GPU has 7.5",
    ],
    ["RuntimeError: Failed to infer device type, please set", "vLLM finds no GPU"],
  ];
  for (const [line, what] of expected) {
    test(what, () => expect(explainVllm(["INFO before", line, "after"])?.what).toBe(what));
  }

  test("a cause takes precedence over its consequences", () => {
    const lines = ["torch.OutOfMemoryError: CUDA out of memory", "EngineDeadError: EngineCore"];
    expect(explainVllm(lines)?.what).toBe("CUDA out of memory");
  });

  test("a log without a reason gives none, wherever it is cut", () => {
    expect(explainVllm([])).toBeUndefined();
    expect(
      explainVllm(["INFO Starting vLLM server", "Application startup complete."]),
    ).toBeUndefined();
    const text = captured("cache-too-small").join("\n");
    for (let end = 0; end < text.length; end += 7) explainVllm(text.slice(0, end).split("\n"));
  });
});
