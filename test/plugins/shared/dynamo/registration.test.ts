/** Registrations as Dynamo 1.6.1 writes them, and their comparison with a plan. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileStore } from "../../../../plugins/shared/dynamo/discovery-store.ts";
import { parseWithIds, registrationsOf } from "../../../../plugins/shared/dynamo/registration.ts";
import { differenceOf, otherModel } from "../../../../plugins/shared/dynamo/workers.ts";

/** Values of a file discovery, captured from the mocker of ai-dynamo 1.6.1; cards shortened. */
const instance = (
  id: string,
  { namespace = "dyn", component = "backend", endpoint = "generate" } = {},
) =>
  `{"type":"Endpoint","component":"${component}","endpoint":"${endpoint}","namespace":"${namespace}","instance_id":${id},"transport":{"tcp":"127.0.0.1:41723/9ab42dfd70da8692/dyn/backend/generate"},"device_type":"cuda","request_plane_codec":"msgpack"}`;
const card = (id: string, model = "mock") =>
  `{"type":"Model","namespace":"dyn","component":"backend","endpoint":"generate","instance_id":${id},"card_json":{"display_name":"${model}","slug":"mock","kv_cache_block_size":64,"model_type":"Chat | Completions","runtime_config":{"context_length":0,"total_kv_blocks":16384,"max_num_seqs":256,"max_num_batched_tokens":8192,"tool_call_parser":null}}}`;

/** Ids beyond 2^63, two of them equal as doubles. */
const HIGH = "15212263236840132949";
const NEAR = "15212263236840132950";
const LOW = "9147585544192165522";

describe("registrations", () => {
  test("ids keep every digit, and come in their order", () => {
    const found = registrationsOf(
      [instance(HIGH), card(HIGH), instance(NEAR), instance(LOW), card(LOW)],
      "dyn",
    );
    expect(found.map(({ instance: id }) => id)).toEqual([LOW, HIGH, NEAR]);
    expect(found.map((each) => each.card)).toEqual([
      { model: "mock", blockSize: 64, kvBlocks: 16384 },
      { model: "mock", blockSize: 64, kvBlocks: 16384 },
      undefined,
    ]);
  });

  test("a worker's endpoints beside requests are known", () => {
    const clear = instance(HIGH, { endpoint: "clear_kv_blocks" });
    const found = registrationsOf([instance(HIGH), clear, instance(NEAR)], "dyn");
    expect(found.map(({ endpoints }) => endpoints)).toEqual([
      ["generate", "clear_kv_blocks"],
      ["generate"],
    ]);
  });

  test("the context limit is the card's, and 0 means none", () => {
    const limited = card(LOW).replace('"kv_cache', '"context_length":1024,"kv_cache');
    const [found] = registrationsOf([instance(LOW), limited], "dyn");
    expect(found!.card).toEqual({
      model: "mock",
      blockSize: 64,
      kvBlocks: 16384,
      maxModelLen: 1024,
    });
    const none = registrationsOf([instance(LOW), limited.replace("1024", "0")], "dyn");
    expect(none[0]!.card!.maxModelLen).toBeUndefined();
  });

  test("helpers, other namespaces and partly written files are ignored", () => {
    const half = instance("5");
    expect(
      registrationsOf(
        [
          instance("1", { endpoint: "worker_kv_query_source_18fa5331e4dd40" }),
          instance("2", { namespace: "other" }),
          card("3"),
          "",
          ...Array.from(half, (_, end) => half.slice(0, end)),
          "[1]",
        ],
        "dyn",
      ),
    ).toEqual([]);
  });

  test("a text that looks like an id within JSON stays a text", () => {
    const text = String.raw`{"a":"\"instance_id\":12","instance_id":12}`;
    expect(parseWithIds(text)).toEqual({ a: '"instance_id":12', instance_id: "12" });
  });

  test("are read from files, without those that are being written", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dynbench-registrations-"));
    try {
      const store = fileStore(folder);
      expect(await store.values()).toEqual([]);
      await Bun.write(join(folder, "v1/instances/dyn%2Fbackend%2Fgenerate%2F1"), instance("1"));
      await Bun.write(join(folder, "v1/instances/.tmp_5"), instance("2"));
      await Bun.write(join(folder, "v1/mdc/dyn%2Fbackend%2Fgenerate%2F1"), card("1"));
      const found = registrationsOf(await store.values(), "dyn");
      expect(found.map(({ instance: id, card: own }) => [id, own?.model])).toEqual([["1", "mock"]]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("against the plan", () => {
  const worker = (component: string, model = "m") => ({
    ...{ namespace: "dyn", component, instance: "1", endpoints: ["generate"] },
    card: { model, blockSize: 64 },
  });

  test("the planned number of each component is not a difference", () => {
    const found = [worker("backend"), worker("prefill")];
    expect(differenceOf({ backend: 1, prefill: 1 }, found)).toBeUndefined();
  });

  test("too few, too many and unknown ones are reported", () => {
    expect(differenceOf({ backend: 2 }, [worker("backend")])).toBe(
      '1 of 2 have registered as "backend"',
    );
    expect(differenceOf({ backend: 1 }, [worker("backend"), worker("prefill")])).toBe(
      '1 of 0 have registered as "prefill"',
    );
  });

  test("another model's name is reported beside the one that was asked for", () => {
    expect(otherModel("m", [worker("backend")])).toBeUndefined();
    expect(otherModel("m", [worker("backend"), worker("backend", "n")])).toBe(
      'one has registered as model "n" and not "m"',
    );
  });
});
