/**
 * The KV-event batches that vLLM publishes, from and to msgpack.
 *
 * A batch is `[ts, [event…], rank]`. vLLM 0.26 and newer write an event as a map with a `type`, older
 * ones and SGLang as an array with the tag first; some forks write the batch as a map too. All of
 * these are read (`vllm/distributed/kv_events.py`, captures of 0.32). Events are kept for blocks that
 * serve any plain prompt: on the GPU of this worker, without adapter, salt or images. All others, and
 * unknown events, are counted as ignored; unknown fields are skipped.
 */
import { MsgpackReader } from "./msgpack-reader.ts";
import { MsgpackWriter } from "./msgpack-writer.ts";

/**
 * An engine's own hash of a block, unsigned 64 bits. Of longer hashes the last 8 bytes count, as in
 * vLLM's integer form.
 */
export type EngineHash = bigint;

export interface StoredEvent {
  readonly type: "stored";
  readonly hashes: readonly EngineHash[];
  /** The block before the first one; undefined at the start of a prompt. */
  readonly parent: EngineHash | undefined;
  /** Token ids of all blocks, one after the other. */
  readonly tokens: Uint32Array | readonly number[];
  readonly blockSize: number;
  /** Cache group of a hybrid model; left out elsewhere. */
  readonly group?: number;
  /** The group keeps only part of the context (sliding window, state space): no use to a router. */
  readonly partialContext?: boolean;
}

export interface RemovedEvent {
  readonly type: "removed";
  readonly hashes: readonly EngineHash[];
  readonly group?: number;
}

export type KvEvent = StoredEvent | RemovedEvent | { readonly type: "cleared" };

export interface KvBatch {
  /** Time at which the engine made the batch, seconds of the Unix epoch. */
  readonly tsS: number;
  /** Data-parallel rank, where the engine reports it. */
  readonly rank: number | undefined;
  readonly events: readonly KvEvent[];
}

/**
 * Reads a batch and counts the events in it that were left out. Throws one `DynbenchError` of code
 * `load` for anything malformed.
 */
export function decodeKvBatch(payload: Uint8Array): KvBatch & { readonly ignored: number } {
  const reader = new MsgpackReader(payload, "KV-event batch");
  const byPosition = reader.atArray;
  const count = byPosition ? reader.array() : reader.map();
  const draft: BatchDraft = { tsS: undefined, rank: undefined, events: undefined, ignored: 0 };
  for (let i = 0; i < count; i += 1) {
    readBatchField(reader, byPosition ? BATCH_FIELDS[i] : reader.text(), draft);
  }
  const { tsS, rank, events, ignored } = draft;
  if (tsS === undefined || events === undefined) return reader.fail("expected a time and events");
  if (!reader.ended) reader.fail("expected the end");
  return { tsS, rank, events, ignored };
}

/** Writes a batch as vLLM 0.32 does (`map`), or as releases before 0.26 and SGLang do (`array`). */
export function encodeKvBatch(batch: KvBatch, form: "map" | "array"): Uint8Array {
  writer.array(3);
  writer.float64(batch.tsS);
  writer.array(batch.events.length);
  for (const event of batch.events) {
    if (form === "map") writeMap(event);
    else writeArray(event);
  }
  if (batch.rank === undefined) writer.nil();
  else writer.uint32(batch.rank);
  return writer.finish();
}

// Positions of the array forms. Older producers stop early, newer ones may go on.
const BATCH_FIELDS = ["ts", "events", "data_parallel_rank"];
const EVENT_FIELDS = new Map([
  [
    "BlockStored",
    [
      "block_hashes",
      "parent_block_hash",
      "token_ids",
      "block_size",
      "lora_id",
      "medium",
      "lora_name",
      "extra_keys",
      "group_idx",
      "kv_cache_spec_kind",
    ],
  ],
  ["BlockRemoved", ["block_hashes", "medium", "group_idx"]],
  ["AllBlocksCleared", []],
]);

/** Cache groups that keep the whole context (vLLM's `KVCacheSpec` kinds). */
const WHOLE_CONTEXT_KINDS = new Set(["full_attention", "mla_attention", "sink_full_attention"]);

interface BatchDraft {
  tsS: number | undefined;
  rank: number | undefined;
  events: KvEvent[] | undefined;
  ignored: number;
}

function readBatchField(reader: MsgpackReader, name: string | undefined, draft: BatchDraft): void {
  if (name === "ts") {
    draft.tsS = reader.number();
  } else if (name === "data_parallel_rank") {
    draft.rank = reader.nil() ? undefined : reader.number();
  } else if (name === "events") {
    const events: KvEvent[] = [];
    const count = reader.array();
    for (let i = 0; i < count; i += 1) {
      const event = readEvent(reader);
      if (event === undefined) draft.ignored += 1;
      else events.push(event);
    }
    draft.events = events;
  } else {
    reader.skip();
  }
}

interface EventDraft {
  hashes: EngineHash[] | undefined;
  parent: EngineHash | undefined;
  tokens: Uint32Array | undefined;
  blockSize: number;
  group: number | undefined;
  partialContext: boolean;
  /** No field restricts these blocks to special prompts. */
  plain: boolean;
}

/** Undefined for an event to ignore. */
function readEvent(reader: MsgpackReader): KvEvent | undefined {
  const byPosition = reader.atArray;
  const count = byPosition ? reader.array() : reader.map();
  if (count === 0) reader.fail("expected an event");
  const tag = byPosition ? reader.text() : typeOf(reader, count);
  const names = EVENT_FIELDS.get(tag);
  const draft: EventDraft = {
    hashes: undefined,
    parent: undefined,
    tokens: undefined,
    blockSize: 0,
    group: undefined,
    partialContext: false,
    plain: true,
  };
  for (let i = byPosition ? 1 : 0; i < count; i += 1) {
    const name = byPosition ? names?.[i - 1] : reader.text();
    if (names === undefined || name === undefined) reader.skip();
    else readEventField(reader, name, draft);
  }
  return names === undefined ? undefined : eventOf(reader, tag, draft);
}

/** The `type` of a map of `pairs` pairs that starts here; it need not come first. Does not advance the reader. */
function typeOf(reader: MsgpackReader, pairs: number): string {
  const start = reader.position;
  for (let i = 0; i < pairs; i += 1) {
    if (reader.text() === "type") {
      const type = reader.text();
      reader.position = start;
      return type;
    }
    reader.skip();
  }
  return reader.fail("expected an event with a type");
}

function readEventField(reader: MsgpackReader, name: string, draft: EventDraft): void {
  switch (name) {
    case "block_hashes":
      draft.hashes = Array.from({ length: reader.array() }, () => reader.bits64());
      break;
    case "token_ids":
      draft.tokens = reader.uint32s();
      break;
    case "block_size":
      draft.blockSize = reader.number();
      break;
    case "extra_keys":
      if (!reader.nil() && !areNils(reader)) draft.plain = false;
      break;
    default:
      // All other fields may be nil, which means the same as leaving them out.
      if (!reader.nil()) readOptionalField(reader, name, draft);
  }
}

function readOptionalField(reader: MsgpackReader, name: string, draft: EventDraft): void {
  switch (name) {
    case "parent_block_hash":
      draft.parent = reader.bits64();
      break;
    case "group_idx":
      draft.group = reader.number();
      break;
    case "kv_cache_spec_kind":
      draft.partialContext = !WHOLE_CONTEXT_KINDS.has(reader.text());
      break;
    case "medium":
      if (reader.text() !== "GPU") draft.plain = false;
      break;
    case "locality":
      if (reader.text() !== "LOCAL") draft.plain = false;
      break;
    case "lora_id":
    case "lora_name":
    case "cache_salt":
      draft.plain = false;
      reader.skip();
      break;
    default:
      reader.skip();
  }
}

/** Whether all items of the array are nil: `extra_keys` has one item a block. */
function areNils(reader: MsgpackReader): boolean {
  let all = true;
  for (let left = reader.array(); left > 0; left -= 1) {
    if (reader.nil()) continue;
    all = false;
    reader.skip();
  }
  return all;
}

function eventOf(reader: MsgpackReader, tag: string, draft: EventDraft): KvEvent | undefined {
  if (tag === "AllBlocksCleared") return { type: "cleared" };
  const { hashes, parent, tokens, blockSize, group, partialContext } = draft;
  if (hashes === undefined) return reader.fail("expected block_hashes");
  const inGroup = group === undefined ? {} : { group };
  if (tag === "BlockRemoved")
    return draft.plain ? { type: "removed", hashes, ...inGroup } : undefined;
  if (tokens === undefined) return reader.fail("expected token_ids");
  if (tokens.length !== hashes.length * blockSize) {
    return reader.fail(
      `expected ${hashes.length} blocks of ${blockSize} tokens, got ${tokens.length} tokens`,
    );
  }
  if (!draft.plain) return undefined;
  return {
    type: "stored",
    hashes,
    parent,
    tokens,
    blockSize,
    ...inGroup,
    ...(partialContext ? { partialContext } : {}),
  };
}

const writer = new MsgpackWriter();

/** Field by field as vLLM 0.32 writes it: fields without a default are nil, never left out. */
function writeMap(event: KvEvent): void {
  if (event.type === "cleared") {
    writer.map(1);
    writeTexts("type", "AllBlocksCleared");
    return;
  }
  const stored = event.type === "stored";
  writer.map(stored ? 11 : 4);
  writeTexts("type", stored ? "BlockStored" : "BlockRemoved", "block_hashes");
  writeHashes(event.hashes);
  if (stored) {
    writer.text("parent_block_hash");
    writeParent(event.parent);
    writer.text("token_ids");
    writer.uint32s(event.tokens);
    writer.text("block_size");
    writer.uint32(event.blockSize);
    writer.text("lora_id");
    writer.nil();
  }
  writeTexts("medium", "GPU");
  if (stored) {
    writer.text("lora_name");
    writer.nil();
    writer.text("extra_keys");
    writer.array(event.hashes.length);
    for (let i = 0; i < event.hashes.length; i += 1) writer.nil();
  }
  writer.text("group_idx");
  writer.uint32(event.group ?? 0);
  if (stored) writeTexts("kv_cache_spec_kind", "full_attention");
}

/** The older form, up to `medium`: the part that all releases with arrays have in common. */
function writeArray(event: KvEvent): void {
  if (event.type === "cleared") {
    writer.array(1);
    writer.text("AllBlocksCleared");
    return;
  }
  const stored = event.type === "stored";
  writer.array(stored ? 7 : 3);
  writer.text(stored ? "BlockStored" : "BlockRemoved");
  writeHashes(event.hashes);
  if (stored) {
    writeParent(event.parent);
    writer.uint32s(event.tokens);
    writer.uint32(event.blockSize);
    writer.nil();
  }
  writer.text("GPU");
}

function writeTexts(...texts: string[]): void {
  for (const text of texts) writer.text(text);
}

function writeHashes(hashes: readonly EngineHash[]): void {
  writer.array(hashes.length);
  for (const hash of hashes) writer.uint64(hash);
}

function writeParent(parent: EngineHash | undefined): void {
  if (parent === undefined) writer.nil();
  else writer.uint64(parent);
}
