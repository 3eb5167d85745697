import { describe, expect, test } from "bun:test";
import { decodeKvBatch } from "../../../../core/routing/kv/kv-events.ts";
import { KEPT_BATCHES, KvBatches } from "../../../../plugins/engines/mocker/kv-batches.ts";

function setUp(form: "map" | "array" = "map") {
  const sent: { sequence: number; payload: Uint8Array }[] = [];
  const batches = new KvBatches({
    blockSize: 2,
    form,
    hashOf: (block) => BigInt(block) + 0xffff_ffff_ffff_0000n,
    send: (batch) => sent.push(batch),
  });
  return { sent, batches };
}

describe("KV batches", () => {
  test("a step's changes are one numbered batch, in order, evictions one by one", () => {
    for (const form of ["map", "array"] as const) {
      const { sent, batches } = setUp(form);
      batches.cleared();
      batches.removed([7, 8]);
      batches.stored({ parent: -1, blocks: [1, 2], tokens: Uint32Array.of(10, 11, 12, 13) });
      batches.stepEnded();
      batches.stored({ parent: 2, blocks: [3], tokens: Uint32Array.of(14, 15) });
      batches.stepEnded();
      batches.stepEnded(); // without changes nothing is sent
      expect(sent.map(({ sequence }) => sequence)).toEqual([0, 1]);
      const [first, second] = sent.map(({ payload }) => decodeKvBatch(payload));
      expect(first!.rank).toBe(0);
      expect(first!.events).toEqual([
        { type: "cleared" },
        expect.objectContaining({ type: "removed", hashes: [0xffff_ffff_ffff_0007n] }),
        expect.objectContaining({ type: "removed", hashes: [0xffff_ffff_ffff_0008n] }),
        expect.objectContaining({
          type: "stored",
          hashes: [0xffff_ffff_ffff_0001n, 0xffff_ffff_ffff_0002n],
          parent: undefined,
          tokens: Uint32Array.of(10, 11, 12, 13),
          blockSize: 2,
        }),
      ]);
      expect(second!.events[0]).toMatchObject({ parent: 0xffff_ffff_ffff_0002n });
    }
  });

  test("keeps as many batches as vLLM for a replay, from any number on", () => {
    const { sent, batches } = setUp();
    for (let i = 0; i < KEPT_BATCHES + 5; i += 1) {
      batches.removed([i]);
      batches.stepEnded();
    }
    const all = [...batches.since(0)];
    expect(all).toHaveLength(KEPT_BATCHES);
    expect(all[0]!.sequence).toBe(5);
    const last = [...batches.since(KEPT_BATCHES + 3)];
    expect(last.map(({ sequence }) => sequence)).toEqual([KEPT_BATCHES + 3, KEPT_BATCHES + 4]);
    expect(last[1]!.payload).toEqual(sent.at(-1)!.payload);
    expect([...batches.since(KEPT_BATCHES + 5)]).toEqual([]);
  });

  test("large batches are kept within 64 MiB", () => {
    const { batches } = setUp();
    const tokens = new Uint32Array(800_000).fill(70_000); // 5 bytes each: 4 MB a batch
    const blocks = Array.from({ length: 400_000 }, (_, i) => i); // and 9 bytes each: 3.6 MB
    for (let i = 0; i < 12; i += 1) {
      batches.stored({ parent: -1, blocks, tokens });
      batches.stepEnded();
    }
    const kept = [...batches.since(0)];
    const bytes = kept.reduce((sum, { payload }) => sum + payload.length, 0);
    expect(bytes).toBeLessThanOrEqual(64 * 1024 * 1024);
    expect(kept.length).toBeGreaterThan(4);
    expect(kept.at(-1)!.sequence).toBe(11);
    expect(kept[0]!.sequence).toBeGreaterThan(0);
  });
});
