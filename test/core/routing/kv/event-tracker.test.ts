import { existsSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { blockHashes, hashBlocks } from "../../../../core/routing/kv/block-hash.ts";
import { BlockTable } from "../../../../core/routing/kv/block-table.ts";
import { EventTracker } from "../../../../core/routing/kv/event-tracker.ts";
import {
  decodeKvBatch,
  type KvBatch,
  type KvEvent,
} from "../../../../core/routing/kv/kv-events.ts";
import { PrefixIndex } from "../../../../core/routing/kv/prefix-index.ts";

const ALL_CAPTURES = new URL(
  "../../../../../shared/data/kv-events/vllm-0.32.json",
  import.meta.url,
);

const batch = (...events: KvEvent[]): KvBatch => ({ tsS: 0, rank: 0, events });
/** Blocks of two tokens: `stored([1n, 2n], 0n)` holds tokens 2, 2 and 4, 4 behind engine hash 0. */
const stored = (hashes: bigint[], parent?: bigint): KvEvent => ({
  type: "stored",
  hashes,
  parent,
  tokens: hashes.flatMap((hash) => [2 * Number(hash), 2 * Number(hash)]),
  blockSize: 2,
});
const removed = (...hashes: bigint[]): KvEvent => ({ type: "removed", hashes });
const cleared: KvEvent = { type: "cleared" };

function trackerWithLog(): { tracker: EventTracker; log: string[]; table: BlockTable } {
  const log: string[] = [];
  const table = new BlockTable();
  const tracker = new EventTracker(
    { table, blockSize: 2 },
    {
      stored: (blocks, parent) => log.push(`+${[...blocks].join(",")} after ${parent}`),
      removed: (blocks) => log.push(`-${[...blocks].join(",")}`),
      cleared: () => log.push("cleared"),
    },
  );
  return { tracker, log, table };
}

describe("events in sequence", () => {
  test("blocks get the ids that the same tokens get when a request is hashed", () => {
    const { tracker, log, table } = trackerWithLog();
    tracker.live(0, batch(stored([1n, 2n])));
    tracker.live(1, batch(stored([3n], 2n)));
    expect(log).toEqual(["+0,1 after -1", "+2 after 1"]);
    const out = blockHashes(3);
    hashBlocks(Uint32Array.of(2, 2, 4, 4, 6, 6), 2, out);
    expect([0, 1, 2].map((i) => table.find(out.high[i]!, out.low[i]!))).toEqual([0, 1, 2]);
  });

  test("a hash stored twice is held until it is removed twice", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(0, batch(stored([1n]), stored([1n]), removed(1n), removed(1n), removed(1n)));
    expect(log).toEqual(["+0 after -1", "+0 after -1", "-0", "-0"]);
    expect(tracker.counts.unknownRemoved).toBe(1);
  });

  test("an unknown parent is counted and its blocks are left out", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(0, batch(stored([2n], 1n), removed(2n)));
    expect(log).toEqual([]);
    expect(tracker.counts).toMatchObject({ unknownParents: 1, unknownRemoved: 1 });
  });

  test("a removed parent is still known, a cleared one is not", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(0, batch(stored([1n]), removed(1n), stored([2n], 1n), cleared, stored([3n], 1n)));
    expect(log).toEqual(["+0 after -1", "-0", "+1 after 0", "cleared"]);
    expect(tracker.counts.unknownParents).toBe(1);
  });

  test("after a clear nothing is held", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(0, batch(stored([1n]), stored([1n]), cleared, stored([1n])));
    tracker.live(1, batch(removed(1n), removed(1n)));
    expect(log).toEqual(["+0 after -1", "+0 after -1", "cleared", "+0 after -1", "-0"]);
  });

  test("events without use are counted: other block size, partial group, own parent", () => {
    const { tracker, log } = trackerWithLog();
    const one = stored([1n]) as Extract<KvEvent, { type: "stored" }>;
    tracker.live(
      0,
      batch(
        { ...one, blockSize: 1, hashes: [1n, 2n] },
        { ...one, group: 4, partialContext: true },
        { type: "removed", hashes: [1n], group: 4 },
        stored([5n], 5n),
      ),
    );
    expect(log).toEqual([]);
    expect(tracker.counts).toMatchObject({ otherBlockSize: 1, ignored: 3, unknownRemoved: 0 });
  });
});

describe("gaps", () => {
  test("a gap holds back what follows until the replay has filled it", () => {
    const { tracker, log } = trackerWithLog();
    expect(tracker.live(0, batch(stored([1n])))).toBeUndefined();
    expect(tracker.live(3, batch(removed(2n)))).toBe(1);
    expect(tracker.live(4, batch(stored([4n])))).toBeUndefined();
    expect(log).toEqual(["+0 after -1"]);
    tracker.replayed(1, batch(stored([2n], 1n)));
    expect(tracker.waiting).toBe(true);
    tracker.replayed(2, batch(stored([3n], 2n)));
    expect(tracker.waiting).toBe(false);
    expect(log).toEqual(["+0 after -1", "+1 after 0", "+2 after 1", "-1", "+3 after -1"]);
    // The replay goes on to what is already applied, and beyond what came live.
    tracker.replayed(3, batch(removed(2n)));
    tracker.replayed(4, batch(stored([4n])));
    tracker.replayed(5, batch(stored([5n])));
    tracker.replayEnded();
    expect(tracker.live(5, batch(stored([5n])))).toBeUndefined();
    expect(tracker.live(6, batch(stored([6n])))).toBeUndefined();
    expect(log.slice(5)).toEqual(["+4 after -1", "+5 after -1"]);
    expect(tracker.counts).toMatchObject({ gaps: 1, duplicates: 3, lost: 0, restarts: 0 });
  });

  test("joining late asks for everything from 0", () => {
    const { tracker, log } = trackerWithLog();
    expect(tracker.live(2, batch(stored([3n], 2n)))).toBe(0);
    tracker.replayed(0, batch(stored([1n])));
    tracker.replayed(1, batch(stored([2n], 1n)));
    expect(log).toEqual(["+0 after -1", "+1 after 0", "+2 after 1"]);
  });

  test("batches that no replay recovers drop all blocks", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(0, batch(stored([1n])));
    expect(tracker.live(5, batch(stored([2n]), removed(1n)))).toBe(1);
    // The engine kept batches from 4 on.
    tracker.replayed(4, batch(stored([3n])));
    expect(log).toEqual(["+0 after -1", "cleared", "+1 after -1", "+2 after -1"]);
    expect(tracker.counts).toMatchObject({ lost: 3, unknownRemoved: 1 });
    expect(tracker.waiting).toBe(false);
  });

  test("a replay that fails gives up the gap, and a second one behind it", () => {
    const { tracker, log } = trackerWithLog();
    expect(tracker.live(2, batch(stored([1n])))).toBe(0);
    expect(tracker.live(4, batch(stored([2n])))).toBeUndefined();
    tracker.replayEnded();
    expect(log).toEqual(["cleared", "+0 after -1", "cleared", "+1 after -1"]);
    expect(tracker.counts).toMatchObject({ lost: 3, gaps: 1 });
    expect(tracker.live(5, batch(removed(2n)))).toBeUndefined();
    expect(log.at(-1)).toBe("-1");
  });

  test("batches are held back up to the bound", () => {
    const { tracker, log } = trackerWithLog();
    for (let sequence = 1; sequence <= 10_001; sequence += 1) tracker.live(sequence, batch());
    expect(tracker.waiting).toBe(false);
    expect(log).toEqual(["cleared"]);
    expect(tracker.counts).toMatchObject({ lost: 1, batches: 10_001 });
  });
});

describe("restarts", () => {
  test("a sequence that goes back drops everything and starts again", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(0, batch(stored([1n])));
    tracker.live(1, batch(stored([2n], 1n)));
    expect(tracker.live(0, batch(stored([3n])))).toBeUndefined();
    expect(log.slice(2)).toEqual(["cleared", "+2 after -1"]);
    expect(tracker.counts.restarts).toBe(1);
  });

  test("a restart during a gap drops what was held back", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(5, batch(stored([1n])));
    expect(tracker.live(1, batch(stored([3n])))).toBe(0);
    tracker.replayed(0, batch(stored([2n])));
    expect(log).toEqual(["cleared", "+0 after -1", "+1 after -1"]);
  });

  test("after a broken connection the next batch is read as the first", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(0, batch(stored([1n])));
    tracker.disconnected();
    expect(tracker.live(9, batch(removed(1n)))).toBe(0);
    expect(log).toEqual(["+0 after -1", "cleared"]);
    expect(tracker.counts.restarts).toBe(0);
  });

  test("forgetting keeps the sequence", () => {
    const { tracker, log } = trackerWithLog();
    tracker.live(0, batch(stored([1n])));
    tracker.forget();
    expect(tracker.live(1, batch(removed(1n), stored([2n])))).toBeUndefined();
    expect(log).toEqual(["+0 after -1", "cleared", "+1 after -1"]);
  });
});

test.skipIf(!existsSync(ALL_CAPTURES))(
  "the index predicts vLLM 0.32's cached tokens (skipped where ../shared/data/kv-events is not beside the checkout)",
  async () => {
    interface Capture {
      payload_hex: string;
      seq: number;
      hash_format: string;
      sent: { note: string; prompt_token_ids: number[]; cached_tokens: number | null };
    }
    const all: Capture[] = await Bun.file(ALL_CAPTURES).json();
    const table = new BlockTable();
    const index = new PrefixIndex(1);
    const tracker = new EventTracker(
      { table, blockSize: 32 },
      {
        stored: (blocks) => blocks.forEach((block) => index.stored(0, block)),
        removed: (blocks) => blocks.forEach((block) => index.removed(0, block)),
        cleared: () => index.clear(0),
      },
    );
    let checked = 0;
    let lastNote = "";
    for (const { payload_hex, seq, hash_format, sent } of all) {
      if (hash_format !== "int") continue;
      const out = blockHashes(0);
      const prompt = Uint32Array.from(sent.prompt_token_ids);
      const count = hashBlocks(prompt, 32, out);
      const blocks = Int32Array.from({ length: count }, (_, i) =>
        table.find(out.high[i]!, out.low[i]!),
      );
      const depth = new Int32Array(1);
      index.depths(blocks, depth);
      // vLLM computes at least the last token, so a fully cached prompt loses its last block.
      const usable = Math.min(depth[0]! * 32, Math.floor((prompt.length - 1) / 32) * 32);
      const { note } = sent;
      // Left out: salted prompts, which share nothing with plain ones; the prompts around a reset,
      // whose clear comes with the next batch; the second batch of one request.
      const plain =
        note !== "prompt with cache_salt" && !note.includes("reset") && note !== "1 token";
      const again = note === lastNote;
      lastNote = note;
      if (plain && !again && sent.cached_tokens !== null) {
        expect({ note, cached: usable }).toEqual({ note, cached: sent.cached_tokens });
        checked += 1;
      }
      expect(tracker.live(seq, decodeKvBatch(Buffer.from(payload_hex, "hex")))).toBeUndefined();
    }
    expect(checked).toBeGreaterThan(6);
    expect(tracker.counts).toMatchObject({ batches: 13, unknownParents: 0, unknownRemoved: 0 });
  },
);
