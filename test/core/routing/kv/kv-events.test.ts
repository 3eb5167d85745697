import { existsSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { Encoder } from "@msgpack/msgpack";
import { DynbenchError } from "../../../../core/base/errors.ts";
import {
  decodeKvBatch,
  encodeKvBatch,
  type KvBatch,
} from "../../../../core/routing/kv/kv-events.ts";
import captures from "../../../fixtures/kv-events/vllm-0.32.json";

/** All captured messages, where the reference data lies next to the checkout. */
const ALL_CAPTURES = new URL(
  "../../../../../shared/data/kv-events/vllm-0.32.json",
  import.meta.url,
);

// The library is the independent encoder of these tests.
const library = new Encoder({ useBigInt64: true });
const pack = (value: unknown): Uint8Array => library.encode(value).slice();
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const eventsOf = (...events: unknown[]) => decodeKvBatch(pack([1.5, events, 0]));

const STORED = {
  type: "BlockStored",
  block_hashes: [11n, 12n],
  parent_block_hash: null,
  token_ids: [1, 2, 3, 4],
  block_size: 2,
};

describe("captured messages of vLLM 0.32", () => {
  const [first, second] = captures;

  test("a stored event has all its fields", () => {
    const batch = decodeKvBatch(fromHex(first!.payloadHex));
    expect(batch.tsS).toBeCloseTo(1_795_000_000, -8);
    expect(batch.rank).toBe(0);
    expect(batch.ignored).toBe(0);
    expect(batch.events).toEqual([
      {
        type: "stored",
        hashes: [13801718804773344219n, 3636447553381332369n, 5284616617211575426n],
        parent: undefined,
        tokens: Uint32Array.from(first!.promptTokenIds.slice(0, 96)),
        blockSize: 32,
        group: 0,
      },
    ]);
  });

  test("a prompt that shares the first block names it as parent", () => {
    const [event] = decodeKvBatch(fromHex(second!.payloadHex)).events;
    expect(event).toMatchObject({ type: "stored", parent: 13801718804773344219n });
  });

  test("a salted prompt is ignored", () => {
    const salted = captures.find((capture) => capture.note === "prompt with cache_salt")!;
    expect(decodeKvBatch(fromHex(salted.payloadHex))).toMatchObject({ events: [], ignored: 1 });
  });

  test("32-byte hashes become their last 8 bytes", () => {
    const bytes = captures.find((capture) => capture.hashFormat === "bytes32")!;
    const [event] = decodeKvBatch(fromHex(bytes.payloadHex)).events;
    // In the payload each 32-byte hash follows its header c4 20.
    const inPayload = [...bytes.payloadHex.matchAll(/c420([0-9a-f]{64})/g)].map((match) =>
      BigInt(`0x${match[1]!.slice(48)}`),
    );
    expect(inPayload.length).toBe(3);
    expect(event).toMatchObject({ hashes: inPayload });
  });

  test("written again, a plain message has the same bytes", () => {
    const plain = captures.filter(
      (capture) => capture.hashFormat === "int" && capture.note !== "prompt with cache_salt",
    );
    expect(plain.length).toBe(5);
    for (const { payloadHex } of plain) {
      const again = encodeKvBatch(decodeKvBatch(fromHex(payloadHex)), "map");
      expect(Buffer.from(again).toString("hex")).toBe(payloadHex);
    }
  });

  test.skipIf(!existsSync(ALL_CAPTURES))(
    "all eighteen are read (skipped where ../shared/data/kv-events is not beside the checkout)",
    async () => {
      const all: { payload_hex: string }[] = await Bun.file(ALL_CAPTURES).json();
      const kinds = new Map<string, number>();
      let ignored = 0;
      for (const { payload_hex } of all) {
        const batch = decodeKvBatch(fromHex(payload_hex));
        ignored += batch.ignored;
        for (const { type } of batch.events) kinds.set(type, (kinds.get(type) ?? 0) + 1);
      }
      // Counted in the captures: one salted prompt, two resets.
      expect([all.length, ignored, kinds.get("cleared")]).toEqual([18, 1, 2]);
      expect(kinds.get("stored")).toBe(16);
    },
  );
});

describe("shapes", () => {
  test("array and map forms mean the same at both levels", () => {
    const expected = eventsOf(STORED).events;
    const asArray = ["BlockStored", [11n, 12n], null, [1, 2, 3, 4], 2, null, "GPU"];
    expect(eventsOf(asArray).events).toEqual(expected);
    expect(eventsOf(asArray.slice(0, 5)).events).toEqual(expected);
    expect(decodeKvBatch(pack({ ts: 1.5, events: [STORED] })).events).toEqual(expected);
    expect(decodeKvBatch(pack([1.5, [asArray]]))).toMatchObject({ rank: undefined, tsS: 1.5 });
  });

  test("removed and cleared in both forms", () => {
    expect(
      eventsOf(
        { type: "BlockRemoved", block_hashes: [7n], medium: "GPU", group_idx: 3 },
        ["BlockRemoved", [7n], "GPU"],
        ["BlockRemoved", [7n]],
        { type: "AllBlocksCleared" },
        ["AllBlocksCleared"],
      ).events,
    ).toEqual([
      { type: "removed", hashes: [7n], group: 3 },
      { type: "removed", hashes: [7n] },
      { type: "removed", hashes: [7n] },
      { type: "cleared" },
      { type: "cleared" },
    ]);
  });

  test("hashes of every integer width, negative ones as their 64 bits", () => {
    const hashes = [5, 200, 70_000, 2 ** 31, -1, -200, -70_000, -(2n ** 40n), 2n ** 64n - 1n];
    expect(eventsOf(["BlockRemoved", hashes]).events).toEqual([
      {
        type: "removed",
        hashes: [
          5n,
          200n,
          70_000n,
          2n ** 31n,
          2n ** 64n - 1n,
          2n ** 64n - 200n,
          2n ** 64n - 70_000n,
          2n ** 64n - 2n ** 40n,
          2n ** 64n - 1n,
        ],
      },
    ]);
  });

  test("token ids of every width", () => {
    const tokens = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1];
    const [event] = eventsOf({ ...STORED, token_ids: tokens, block_size: 4 }).events;
    expect(event).toMatchObject({ tokens: Uint32Array.from(tokens) });
  });

  test("unknown fields and events are skipped, the type need not come first", () => {
    const odd = {
      nested: [{ deep: [[null, true, 1.25, -5, 2n ** 60n]] }],
      bin: new Uint8Array(300),
    };
    const { type, ...rest } = STORED;
    const batch = decodeKvBatch(
      pack([1, [{ odd, ...rest, type }, { type: "BlockMoved", odd }, ["Odd", odd]], 0, odd]),
    );
    expect(batch.events).toEqual(eventsOf(STORED).events);
    expect(batch.ignored).toBe(2);
  });

  test("only plain blocks on this worker's GPU are kept", () => {
    const kept = (fields: object): number => eventsOf({ ...STORED, ...fields }).events.length;
    expect(kept({ medium: "GPU", locality: "LOCAL", extra_keys: [null, null] })).toBe(1);
    expect(kept({ medium: null, locality: null, extra_keys: null, lora_name: null })).toBe(1);
    expect(kept({ medium: "CPU" })).toBe(0);
    expect(kept({ locality: "REMOTE" })).toBe(0);
    expect(kept({ lora_name: "adapter" })).toBe(0);
    expect(kept({ lora_id: 1 })).toBe(0);
    expect(kept({ extra_keys: [null, ["tenant-1"]] })).toBe(0);
    expect(eventsOf(["BlockRemoved", [1], "CPU"])).toMatchObject({ events: [], ignored: 1 });
  });

  test("a group without the whole context is marked", () => {
    const kinds = ["full_attention", "mla_attention", "sink_full_attention", "sliding_window"];
    const partial = kinds.map((kv_cache_spec_kind) => {
      const [event] = eventsOf({ ...STORED, group_idx: 2, kv_cache_spec_kind }).events;
      return event?.type === "stored" && event.partialContext;
    });
    expect(partial).toEqual([undefined, undefined, undefined, true]);
  });

  test.each(["map", "array"] as const)("a batch written in %s form is read as it was", (form) => {
    const tokens = Uint32Array.from({ length: 20 * 1000 }, (_, i) => i * 7);
    const group = form === "map" ? { group: 0 } : {};
    const batch: KvBatch = {
      tsS: 12.25,
      rank: 3,
      events: [
        {
          type: "stored",
          hashes: Array.from({ length: 1000 }, (_, i) => BigInt(i) ** 6n),
          parent: 2n ** 63n,
          tokens,
          blockSize: 20,
          ...group,
        },
        { type: "removed", hashes: [1n, 2n ** 40n], ...group },
        { type: "cleared" },
      ],
    };
    expect(decodeKvBatch(encodeKvBatch(batch, form))).toEqual({ ...batch, ignored: 0 });
    expect(decodeKvBatch(encodeKvBatch({ ...batch, rank: undefined }, form)).rank).toBeUndefined();
  });
});

describe("malformed input", () => {
  const fault = (payload: Uint8Array): unknown => {
    try {
      decodeKvBatch(payload);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test("every message cut at every byte gives the one error", () => {
    for (const { payloadHex } of captures) {
      const payload = fromHex(payloadHex);
      for (let end = 0; end < payload.length; end += 1) {
        const error = fault(payload.slice(0, end));
        expect(error).toBeInstanceOf(DynbenchError);
        expect((error as Error).message).toStartWith("Cannot read KV-event batch: ");
      }
    }
  });

  test("any byte replaced by any kind of item never throws another error", () => {
    const payload = fromHex(captures.find((capture) => capture.note === "1 token")!.payloadHex);
    const longer = pack([1, [STORED, ["BlockRemoved", [2n ** 50n], "GPU"]], 0]);
    for (const original of [payload, longer]) {
      for (let at = 0; at < original.length; at += 1) {
        for (let byte = 0; byte < 256; byte += 1) {
          const broken = original.slice();
          broken[at] = byte;
          const error = fault(broken);
          if (error !== undefined) expect(error).toBeInstanceOf(DynbenchError);
        }
      }
    }
  });

  test.each([
    ["nothing", new Uint8Array(0), "input ends early at byte 0 of 0"],
    ["text", new TextEncoder().encode("hello"), "expected a map"],
    ["something behind the batch", Uint8Array.from([...pack([1, [], 0]), 1]), "expected the end"],
    ["a batch without events", pack([1]), "expected a time and events"],
    ["a count beyond the input", Uint8Array.from([0xdd, 255, 255, 255, 255]), "input ends early"],
    ["an event without fields", pack([1, [[]], 0]), "expected an event"],
    ["a negative token id", pack([1, [{ ...STORED, token_ids: [1, -2, 3, 4] }], 0]), "unsigned"],
    [
      "tokens that do not fill the blocks",
      pack([1, [{ ...STORED, token_ids: [1, 2, 3] }], 0]),
      "expected 2 blocks of 2 tokens, got 3 tokens",
    ],
    ["a short binary hash", pack([1, [["BlockRemoved", [new Uint8Array(7)]]], 0]), "8 bytes"],
  ])("%s is named", (_, payload, message) => {
    expect((fault(payload) as Error).message).toContain(message);
  });
});
