/** A model folder for real engines without weights: a Llama of two layers with dynbench's own tokenizer. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeModelFolder } from "../../core/prompt/word-tokenizer.ts";

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

/** Writes it and returns the folder. */
export async function tinyModel(folder: string): Promise<string> {
  await writeModelFolder(folder);
  const path = join(folder, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...config, ...TINY }));
  return folder;
}
