/** Prefill and decode workers of the mocker, live: blocks that they keep, hand over and release. */
import { describe, expect, test } from "bun:test";
import { v } from "dynbench";
import type { EngineHandle, Worker } from "dynbench/engine";
import {
  KeptRequests,
  transferOf,
  transferParams,
} from "../../../../plugins/engines/mocker/kv-transfer.ts";
import { mocker } from "../../../../plugins/engines/mocker/mocker.ts";
import { eventually, metric, post } from "../../../conformance/ask.ts";
import { inProcessContext } from "../../../conformance/in-process.ts";

const split = {
  prefillWorkers: 1,
  decodeWorkers: 1,
  timing: "b200",
  speedup: 50,
  blockSize: 16,
  kvBlocks: 400,
};

function start(more: Record<string, unknown> = {}): Promise<EngineHandle> {
  const options = v.parse(mocker.options, { ...split, ...more });
  return mocker.start!(options, "http", inProcessContext(mocker, ""));
}

async function metricOf({ metricsUrl }: Worker, name: string): Promise<number> {
  return metric(await (await fetch(metricsUrl!)).text(), name);
}

const blocksHeld = async (worker: Worker): Promise<number> =>
  Math.round((await metricOf(worker, "vllm:kv_cache_usage_perc")) * split.kvBlocks);

const promptOf = (length: number): number[] => Array.from({ length }, (_, i) => 1_000 + i);

/** A running pair, and the two steps of a request. */
async function pair(more: Record<string, unknown> = {}) {
  const engine = await start(more);
  const [prefill, decode] = engine.workers as [Worker, Worker];
  const model = engine.servedModelName;
  const send = (worker: Worker, body: object, signal?: AbortSignal) =>
    post(worker.url, "/v1/completions", { model, ...body }, signal);
  return {
    engine,
    prefill,
    decode,
    send,
    async prefilled(prompt: number[]): Promise<any> {
      const keep = { do_remote_decode: true, do_remote_prefill: false, remote_block_ids: null };
      const body = { prompt, max_tokens: 1, kv_transfer_params: keep };
      return (await send(prefill, body)).json();
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

describe("two steps", () => {
  test("roles and names of the workers", async () => {
    await using engine = await start({ prefillWorkers: 2, decodeWorkers: 1 });
    expect(engine.workers.map(({ id, role }) => [id, role])).toEqual([
      ["prefill-0", "prefill"],
      ["prefill-1", "prefill"],
      ["decode-0", "decode"],
    ]);
  });

  test("the prefill worker keeps the prompt's blocks until the decode worker has them", async () => {
    await using workers = await pair();
    const { prefill, decode } = workers;
    const { kv_transfer_params: params, usage } = await workers.prefilled(promptOf(100));
    expect(params).toMatchObject({
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_engine_id: "prefill-0",
      remote_port: Number(new URL(prefill.url).port),
      remote_num_tokens: 100,
    });
    expect(usage.completion_tokens).toBe(1);
    expect(await blocksHeld(prefill)).toBe(7); // 100 tokens in blocks of 16
    const body = { prompt: promptOf(100), max_tokens: 5, kv_transfer_params: params };
    const answer = (await (await workers.send(decode, body)).json()) as any;
    expect(answer.usage).toMatchObject({ prompt_tokens: 100, completion_tokens: 5 });
    await eventually(async () => (await blocksHeld(prefill)) === 0);
    expect(await blocksHeld(decode)).toBe(0);
    const transferred = 'vllm:prompt_tokens_by_source_total{engine="0"';
    const text = await (await fetch(decode.metricsUrl!)).text();
    const line = text.split("\n").find((each) => each.includes('source="external_kv_transfer"'))!;
    expect(line.startsWith(transferred)).toBe(true);
    expect(line.endsWith(" 100")).toBe(true);
  });

  test("the client gets what the prefill worker found in its cache", async () => {
    await using workers = await pair();
    for (const cached of [0, 96]) {
      const { kv_transfer_params: params } = await workers.prefilled(promptOf(100));
      const body = { prompt: promptOf(100), max_tokens: 2, kv_transfer_params: params };
      const { usage } = (await (await workers.send(workers.decode, body)).json()) as any;
      expect(usage.prompt_tokens_details.cached_tokens).toBe(cached);
    }
  });

  test("caches are emptied when the last blocks are released, and no earlier", async () => {
    await using workers = await pair();
    const { kv_transfer_params: params } = await workers.prefilled(promptOf(100));
    const { url } = workers.prefill;
    const reset = async (): Promise<unknown> =>
      (await fetch(`${url}/reset_prefix_cache`, { method: "POST" })).json();
    expect(await reset()).toEqual({ success: false });
    const emptied = workers.engine.resetCache!();
    const query = new URLSearchParams({ request: params.remote_request_id });
    const release = async (): Promise<unknown> =>
      (await fetch(`${url}/dynbench/kv_release?${query}`, { method: "POST" })).json();
    expect(await release()).toEqual({ released: true });
    expect(await release()).toEqual({ released: false });
    await emptied;
    const { usage } = await workers.prefilled(promptOf(100));
    expect(usage.prompt_tokens_details.cached_tokens).toBe(0);
  });
});

describe("failures", () => {
  test("a client that leaves during the KV transfer frees the blocks of both workers", async () => {
    await using workers = await pair({ kvTransferLatencyMs: 60_000, speedup: 1 });
    const { kv_transfer_params: params } = await workers.prefilled(promptOf(100));
    const leaving = new AbortController();
    const body = { prompt: promptOf(100), max_tokens: 2, kv_transfer_params: params };
    const answer = workers.send(workers.decode, { ...body, stream: true }, leaving.signal);
    await eventually(async () => (await blocksHeld(workers.decode)) === 7);
    expect(await blocksHeld(workers.prefill)).toBe(7);
    leaving.abort();
    await answer.catch(() => {});
    await eventually(async () => (await blocksHeld(workers.decode)) === 0);
    await eventually(async () => (await blocksHeld(workers.prefill)) === 0);
    expect(await metricOf(workers.decode, "vllm:num_requests_waiting")).toBe(0);
  });

  test("KV that is never requested is released after a time limit", async () => {
    const released: number[] = [];
    const kept = new KeptRequests({ release: (number) => released.push(number), keptMs: 1 });
    kept.keep("a", 7);
    await eventually(() => released.length === 1);
    expect(released).toEqual([7]);
    expect(kept.letGo("a")).toBe(false);
  });
});

describe("kv_transfer_params", () => {
  const read = (params: unknown) => transferOf(v.parse(transferParams, params));
  const whole = {
    do_remote_prefill: true,
    remote_host: "127.0.0.1",
    remote_port: 80,
    remote_request_id: "a&b",
  };

  test("without a hand-off, or incomplete, do not split the request", () => {
    for (const params of [null, undefined, {}, { do_remote_decode: false }]) {
      expect(read(params)).toBeUndefined();
    }
    for (const missing of Object.keys(whole)) {
      expect(read({ ...whole, [missing]: null })).toBeUndefined();
    }
  });

  test("name the blocks to keep, and where to read them", () => {
    expect(read({ do_remote_decode: true })).toEqual({ way: "send" });
    expect(read({ ...whole, remote_cached_tokens: 64 })).toEqual({
      way: "receive",
      cachedTokens: 64,
      releaseUrl: "http://127.0.0.1:80/dynbench/kv_release?request=a%26b",
    });
  });

  test("of a wrong kind are refused", () => {
    for (const params of [1, { do_remote_decode: "yes" }, { ...whole, remote_port: 1e6 }]) {
      expect(() => read(params)).toThrow();
    }
  });
});
