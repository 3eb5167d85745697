/**
 * What the tests of real engines start: a Llama of two layers without weights, with dynbench's own
 * tokenizer, and vLLM's options for it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeModelFolder } from "../../core/prompt/word-tokenizer.ts";
import { installed } from "./programs.ts";

/**
 * Head size 32 is the smallest that vLLM's CPU attention supports; smaller ones load and crash at the
 * first request. Engines generate the weights with `--load-format dummy`.
 */
const TINY = {
  hidden_size: 128,
  intermediate_size: 256,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 32,
  max_position_embeddings: 32_768,
  torch_dtype: "float32",
};

/** Python of the environment that has vLLM; undefined where it is not installed. */
export const vllmPython = installed("vllm/bin/python");

/**
 * The options of every vLLM here. Its cache lies beside it: in the empty home of a test each server
 * would import vLLM once more, in a process of its own, to look up what the model's class can do.
 */
export const VLLM_OPTIONS: readonly string[] = [
  ...["--engine", "vllm", "--python", vllmPython!, "--served-model-name", "tiny"],
  ...["--env", "VLLM_CPU_KVCACHE_SPACE=1", "--env", `VLLM_CACHE_ROOT=${installed("vllm")}/cache`],
  ...["--env", "HF_HUB_OFFLINE=1", "--max-model-len", "1024"],
];

/** Writes the model and returns its folder. */
export async function tinyModel(folder: string): Promise<string> {
  await writeModelFolder(folder);
  const path = join(folder, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...config, ...TINY }));
  return folder;
}
