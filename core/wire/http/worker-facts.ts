/** What a running vLLM-like server reports of itself: KV capacity, and where its KV events are. */
import * as v from "valibot";
import { given } from "../../base/given.ts";
import type { KvEventSource } from "../../contract/request.ts";

/** Block size and block count from vLLM's info gauge `vllm:cache_config_info`. */
export function cacheConfig(metrics: string): {
  blockSize: number | undefined;
  kvBlocks: number | undefined;
} {
  const labels = /^vllm:cache_config_info\{(.*)\}/m.exec(metrics)?.[1] ?? "";
  const label = (name: string): number | undefined => {
    const text = new RegExp(`(?:^|,)${name}="(\\d+)"`).exec(labels)?.[1];
    return text === undefined ? undefined : Number(text);
  };
  return { blockSize: label("block_size"), kvBlocks: label("num_gpu_blocks") };
}

const Source = v.looseObject({
  endpoint: v.string(),
  replay_endpoint: v.nullish(v.string()),
  topic: v.optional(v.string(), ""),
  enable_kv_cache_events: v.optional(v.boolean(), true),
});

/**
 * The first rank's source in vLLM's `GET /kv_event_sources`: 0.32 answers with an object by rank,
 * its main branch with an array. A bound address (`*`, `0.0.0.0`) is reached at the worker's host.
 */
export function kvEventSource(answer: unknown, workerUrl: string): KvEventSource | undefined {
  const first: unknown =
    typeof answer === "object" && answer !== null ? Object.values(answer)[0] : undefined;
  const parsed = v.safeParse(Source, first);
  if (!parsed.success || !parsed.output.enable_kv_cache_events) return undefined;
  const { endpoint, replay_endpoint: replay, topic } = parsed.output;
  const host = new URL(workerUrl).hostname;
  const reach = (address: string): string =>
    address.replace(/\/\/(\*|0\.0\.0\.0)(?=:)/, `//${host}`);
  return {
    endpoint: reach(endpoint),
    ...given({ replayEndpoint: replay ? reach(replay) : undefined }),
    topic,
  };
}
