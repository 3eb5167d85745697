/** Prefix index, KV-event codec, event tracker and blocks of segments, at the sizes of a busy gateway. */
import { BlockTable } from "../../core/routing/kv/block-table.ts";
import { EventTracker } from "../../core/routing/kv/event-tracker.ts";
import { decodeKvBatch, encodeKvBatch, type KvBatch } from "../../core/routing/kv/kv-events.ts";
import { PrefixIndex } from "../../core/routing/kv/prefix-index.ts";
import { SegmentBlocks } from "../../core/routing/kv/segment-blocks.ts";
import { medianUs } from "./median.ts";

export const name = "index";

const WORKERS = 8;
const BLOCKS = 219;
const BLOCK_SIZE = 64;

export async function run() {
  return [
    {
      what: "one block operation applied to the index, 8 workers, 200,000 blocks",
      value: nsPerOperation(),
      unit: "ns",
      must: 200,
      goal: 100,
      note: "200 ns are 5 M operations a second",
    },
    { what: "walk of 219 blocks over 8 workers, p50", value: walkUs(), unit: "µs", must: 5 },
    ...codecRows(),
    ...[64, 512].map((blockSize) => ({
      what: `blocks of 12,031 prompts of 24 × 512 tokens, block ${blockSize}`,
      value: segmentsMs(blockSize),
      unit: "ms",
      must: 1000,
      goal: 200,
    })),
  ];
}

/** Median of rounds that each fill and empty a new index. */
function nsPerOperation(): number {
  const ids = 200_000;
  const rounds = Array.from({ length: 5 }, () => {
    const index = new PrefixIndex(WORKERS);
    const start = Bun.nanoseconds();
    for (let worker = 0; worker < WORKERS; worker += 1) {
      for (let i = 0; i < ids; i += 1) index.stored(worker, (i * 7) % ids);
    }
    for (let worker = 0; worker < WORKERS; worker += 1) {
      for (let i = 0; i < ids; i += 1) index.removed(worker, (i * 7) % ids);
    }
    return (Bun.nanoseconds() - start) / (2 * WORKERS * ids);
  });
  return rounds.sort((a, b) => a - b)[2]!;
}

function walkUs(): number {
  const index = new PrefixIndex(WORKERS);
  const prompt = Int32Array.from({ length: BLOCKS }, (_, i) => (i * 911) % 200_000);
  for (let worker = 0; worker < WORKERS; worker += 1) {
    for (const block of prompt.subarray(0, 20 + 30 * worker)) index.stored(worker, block);
  }
  const depths = new Int32Array(WORKERS);
  return medianUs(() => index.depths(prompt, depths));
}

/** One event of a whole 14,016-token prompt. */
function codecRows() {
  const batch: KvBatch = {
    tsS: 1,
    rank: 0,
    events: [
      {
        type: "stored",
        hashes: Array.from({ length: BLOCKS }, (_, i) => 2n ** 63n + BigInt(i)),
        parent: undefined,
        tokens: Uint32Array.from({ length: BLOCKS * BLOCK_SIZE }, (_, i) => 1000 + i),
        blockSize: BLOCK_SIZE,
        group: 0,
      },
    ],
  };
  const payload = encodeKvBatch(batch, "map");
  const index = new PrefixIndex(1);
  const tracker = new EventTracker(
    { table: new BlockTable(), blockSize: BLOCK_SIZE },
    {
      stored: (blocks) => {
        for (const block of blocks) index.stored(0, block);
      },
      removed: () => {},
      cleared: () => index.clear(0),
    },
  );
  let sequence = 0;
  const forgetAndApply = (): void => {
    tracker.forget();
    tracker.live(sequence, batch);
    sequence += 1;
  };
  const event = "an event of 219 blocks of 64 tokens";
  return [
    { what: `decode ${event}, p50`, value: medianUs(() => decodeKvBatch(payload)), unit: "µs" },
    {
      what: `encode ${event}, p50`,
      value: medianUs(() => encodeKvBatch(batch, "map")),
      unit: "µs",
    },
    { what: `hash, number and index ${event}, p50`, value: medianUs(forgetAndApply), unit: "µs" },
  ];
}

function segmentsMs(blockSize: number): number {
  const prompts = Array.from({ length: 12_031 }, (_, request) =>
    Array.from({ length: 24 }, (_segment, k) => ({
      content: k < 6 ? 10 * (request % 50) + k : 1000 + 24 * request + k,
      tokens: 512,
    })),
  );
  const blocks = new SegmentBlocks(blockSize);
  const start = Bun.nanoseconds();
  for (const prompt of prompts) blocks.blocksOf(prompt, 24 * 512);
  return (Bun.nanoseconds() - start) / 1e6;
}
