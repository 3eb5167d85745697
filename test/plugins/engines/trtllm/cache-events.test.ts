/** KV events of TensorRT-LLM: shapes of its `tests/unittest/llmapi/test_llm_kv_cache_events.py`. */
import { describe, expect, test } from "bun:test";
import {
  createEventReader,
  parseEntries,
} from "../../../../plugins/engines/trtllm/cache-events.ts";

/** Beyond 2^53 and below zero: what a double would round. */
const A = "9223372036854775809";
const B = "-8446744073709551615"; // as unsigned: 2^64 minus that
const B_UNSIGNED = 2n ** 64n - 8446744073709551615n;

const block = (hash: string, ...tokens: number[]) =>
  `{"type":"stored_block","block_hash":${hash},"tokens":[${tokens.map((id) => `{"type":"unique_token","token_id":${id},"token_extra_id":0}`).join()}],"cache_level":0,"priority":35}`;
const stored = (parent: string, ...blocks: string[]) =>
  `{"event_id":1,"data":{"type":"stored","parent_hash":${parent},"blocks":[${blocks.join()}]}}`;
const removed = (...hashes: string[]) =>
  `{"event_id":2,"data":{"type":"removed","block_hashes":[${hashes.join()}]}}`;
const events = (...entries: string[]) => createEventReader(2)(parseEntries(`[${entries.join()}]`));

describe("stored", () => {
  test("keeps every digit of hashes, and the chain", () => {
    expect(
      events(stored("null", block(A, 1, 2), block(B, 3, 4)), stored(B, block("7", 5, 6))),
    ).toEqual([
      {
        ...{ type: "stored", hashes: [BigInt(A), B_UNSIGNED], parent: undefined },
        ...{ tokens: [1, 2, 3, 4], blockSize: 2 },
      },
      { type: "stored", hashes: [7n], parent: B_UNSIGNED, tokens: [5, 6], blockSize: 2 },
    ]);
  });

  test("of a partial block is ignored, and so is its removal", () => {
    expect(events(stored("null", block("1", 1, 2), block("2", 3)), removed("2", "1"))).toEqual([
      { type: "stored", hashes: [1n], parent: undefined, tokens: [1, 2], blockSize: 2 },
      { type: "removed", hashes: [1n] },
    ]);
    expect(events(stored("null", block("2", 3)), removed("2"))).toEqual([]);
  });
});

test("created and updated change nothing for a router", () => {
  const created =
    '{"event_id":0,"data":{"type":"created","num_blocks_per_cache_level":[101230,0]}}';
  const updated =
    '{"event_id":3,"data":{"type":"updated","block_hash":5,"cache_level":{"old_value":0,"new_value":1}}}';
  expect(events(created, updated)).toEqual([]);
});

test("of several attention windows only the widest keeps whole contexts", () => {
  const of = (window: number, entry: string) => entry.replace(/}$/, `,"window_size":${window}}`);
  const found = events(
    of(128, '{"event_id":0,"data":{"type":"created"}}'),
    of(32_768, '{"event_id":1,"data":{"type":"created"}}'),
    of(128, stored("null", block("1", 1, 2))),
    of(32_768, stored("null", block("2", 1, 2))),
    of(128, removed("1")),
  );
  expect(found.map((event) => "hashes" in event && event.hashes)).toEqual([[2n]]);
});

test("an answer cut anywhere is refused as a whole", () => {
  const text = `[${stored("null", block(A, 1, 2))},${removed(A, B)}]`;
  expect(parseEntries(text)).toHaveLength(2);
  for (let end = 0; end < text.length; end += 1) {
    expect(() => parseEntries(text.slice(0, end))).toThrow();
  }
});

test("entries of another shape are reported, not guessed at", () => {
  expect(() => parseEntries('{"events":[]}')).toThrow();
  expect(() => parseEntries('[{"data":{"type":"created"}}]')).toThrow();
});
