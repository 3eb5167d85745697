/**
 * KV events as TensorRT-LLM returns them at `/kv_cache_events` (1.x): JSON entries
 * `{event_id, data, window_size?}`, where data is created, stored, removed or updated. Pure.
 */
import { v } from "dynbench";
import type { KvEvent } from "dynbench/engine";

const hash = v.pipe(
  v.string(),
  v.regex(/^-?\d{1,20}$/),
  v.transform((text) => BigInt.asUintN(64, BigInt(text))),
);

const Stored = v.object({
  type: v.literal("stored"),
  parent_hash: v.nullable(hash),
  blocks: v.array(
    v.object({ block_hash: hash, tokens: v.array(v.object({ token_id: v.number() })) }),
  ),
});
const Removed = v.object({ type: v.literal("removed"), block_hashes: v.array(hash) });
const Entry = v.object({
  event_id: v.number(),
  data: v.union([Stored, Removed, v.object({ type: v.string() })]),
  /** Attention window of the layers it is about; missing where there is only one kind. */
  window_size: v.nullish(v.number()),
});

export type CacheEntry = v.InferOutput<typeof Entry>;

/**
 * Entries of one answer. Hashes are 64-bit numbers, whose end a double would lose, so they are made
 * texts before the JSON is read. Throws what valibot or JSON throw.
 */
export function parseEntries(text: string): CacheEntry[] {
  const quoted = text
    .replace(/("(?:block_hash|parent_hash)"\s*:\s*)(-?\d+)/g, '$1"$2"')
    .replace(
      /("block_hashes"\s*:\s*\[)([^\]]*)\]/g,
      (_, start: string, list: string) => `${start}${list.replace(/-?\d+/g, '"$&"')}]`,
    );
  return v.parse(v.array(Entry), JSON.parse(quoted));
}

/** Turns one server's entries into events of whole blocks. */
export function createEventReader(
  blockSize: number,
): (entries: readonly CacheEntry[]) => KvEvent[] {
  /** Blocks that are not full: neither they nor their removal are of use to a router. */
  const partial = new Set<bigint>();
  /** Layers with smaller windows keep only part of the context. */
  let widest = 0;
  const stored = ({ parent_hash: parent, blocks }: v.InferOutput<typeof Stored>): KvEvent[] => {
    for (const block of blocks) {
      if (block.tokens.length < blockSize) partial.add(block.block_hash);
      else partial.delete(block.block_hash);
    }
    const cut = blocks.findIndex(({ tokens }) => tokens.length < blockSize);
    const whole = cut < 0 ? blocks : blocks.slice(0, cut);
    if (whole.length === 0) return [];
    const hashes = whole.map(({ block_hash: each }) => each);
    const tokens = whole.flatMap((block) => block.tokens.map(({ token_id: id }) => id));
    return [{ type: "stored", hashes, parent: parent ?? undefined, tokens, blockSize }];
  };
  const removed = ({ block_hashes: all }: v.InferOutput<typeof Removed>): KvEvent[] => {
    const hashes = all.filter((each) => !partial.delete(each));
    return hashes.length === 0 ? [] : [{ type: "removed", hashes }];
  };
  return (entries) =>
    entries.flatMap(({ data, window_size: window }): KvEvent[] => {
      widest = Math.max(widest, window ?? 0);
      if (typeof window === "number" && window < widest) return [];
      if (v.is(StoredOutput, data)) return stored(data as v.InferOutput<typeof Stored>);
      if (v.is(RemovedOutput, data)) return removed(data as v.InferOutput<typeof Removed>);
      return []; // created, updated: the block is where it was, or on the host
    });
}

const StoredOutput = v.object({ type: v.literal("stored"), blocks: v.array(v.unknown()) });
const RemovedOutput = v.object({ type: v.literal("removed"), block_hashes: v.array(v.unknown()) });
