import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { v } from "dynbench";
import { openTokenizer, type EngineHandle, type WorkerSink } from "dynbench/engine";
import { mocker } from "../../../../plugins/engines/mocker/mocker.ts";
import { ask, metric, post } from "../../../conformance/ask.ts";
import { testEngine } from "../../../conformance/engine.ts";
import { inProcessContext } from "../../../conformance/in-process.ts";
import { writeSmallTokenizer } from "../../../core/prompt/small-tokenizer.ts";

const quick = { workers: 2, timing: "b200", speedup: 50, blockSize: 16, kvBlocks: 400 };

testEngine({
  engine: mocker,
  options: quick,
  context: () => inProcessContext(mocker, ""),
});

function start(raw: Record<string, unknown>): Promise<EngineHandle> {
  return mocker.start!(v.parse(mocker.options, raw), "http", inProcessContext(mocker, ""));
}

async function metricsOf(engine: EngineHandle): Promise<string[]> {
  return Promise.all(
    engine.workers.map(async (worker) => (await fetch(worker.metricsUrl!)).text()),
  );
}

const promptOf = (group: number, own: number, length: number): number[] => [
  ...Array.from({ length: 64 }, (_, i) => 1_000 + group * 64 + i),
  ...Array.from({ length: length - 64 }, (_, i) => 5_000 + ((own * 977 + i) % 20_000)),
];

describe("a cluster under load", () => {
  test("8 workers, 200 requests: exact lengths, and cached tokens as the models count them", async () => {
    await using engine = await start({ ...quick, workers: 8 });
    const asked = Array.from({ length: 200 }, (_, i) => ({
      worker: i % 8,
      prompt: promptOf(i % 5, i, 65 + (i % 90)),
      osl: 1 + (i % 12),
    }));
    const answers = await Promise.all(
      asked.map(({ worker, prompt, osl }) =>
        ask(engine.workers[worker]!.url, { model: engine.servedModelName, prompt, osl }),
      ),
    );
    const cached = new Array<number>(8).fill(0);
    for (const [i, { usage, headers, chunks, isDone }] of answers.entries()) {
      const { worker, prompt, osl } = asked[i]!;
      expect(isDone).toBe(true);
      expect(usage).toMatchObject({ prompt_tokens: prompt.length, completion_tokens: osl });
      expect(chunks).toHaveLength(osl + 1); // one a token, and the usage
      expect(headers.get("x-dynbench-worker")).toBe(`worker-${worker}`);
      cached[worker]! += usage!.prompt_tokens_details!.cached_tokens;
    }
    const metrics = await metricsOf(engine);
    const counted = (name: string): number[] => metrics.map((text) => metric(text, name));
    expect(counted("vllm:prefix_cache_hits_total")).toEqual(cached);
    expect(cached.reduce((sum, tokens) => sum + tokens, 0)).toBeGreaterThan(0);
    expect(counted("vllm:num_requests_running")).toEqual(new Array(8).fill(0));
    expect(counted("vllm:kv_cache_usage_perc")).toEqual(new Array(8).fill(0));
    const generated = counted("vllm:generation_tokens_total");
    expect(generated.reduce((sum, tokens) => sum + tokens, 0)).toBe(
      asked.reduce((sum, { osl }) => sum + osl, 0),
    );
  });

  test("one after another, requests have the cached tokens of the pure model, evictions included", async () => {
    const options = { ...quick, workers: 1, kvBlocks: 24, maxModelLen: 384 };
    const asked = Array.from({ length: 60 }, (_, i) => ({
      prompt: promptOf((i * i) % 4, i, 70 + ((i * 31) % 120)),
      osl: 1 + (i % 20),
    }));
    await using engine = await start(options);
    const live: (number | undefined)[] = [];
    for (const { prompt, osl } of asked) {
      const { usage } = await ask(engine.workers[0]!.url, {
        model: engine.servedModelName,
        prompt,
        osl,
      });
      live.push(usage!.prompt_tokens_details!.cached_tokens);
    }
    expect(live).toEqual(pureCachedTokens(options, asked));
    expect(live.some((tokens) => tokens! > 0)).toBe(true);
    const text = (await metricsOf(engine))[0]!;
    expect(metric(text, "vllm:prefix_cache_hits_total")).toBe(
      live.reduce<number>((sum, tokens) => sum + tokens!, 0),
    );
  });
});

/** Cached tokens of each request on the virtual clock; blocks are numbered by their text. */
function pureCachedTokens(
  raw: Record<string, unknown>,
  asked: readonly { prompt: readonly number[]; osl: number }[],
): number[] {
  const engine = mocker.model!(v.parse(mocker.options, raw));
  const { blockSize } = engine.limits;
  const cached: number[] = [];
  const ids = new Map<string, number>();
  const idOf = (text: string): number => {
    if (!ids.has(text)) ids.set(text, ids.size);
    return ids.get(text)!;
  };
  const sink: WorkerSink = {
    admitted: (_request, cachedTokens) => cached.push(cachedTokens),
    received: () => {},
    firstToken: () => {},
    tokens: () => {},
    lateToken: () => {},
    finished: () => {},
    preempted: () => {},
    stored: () => {},
    removed: () => {},
    cleared: () => {},
    generatedBlock: ({ id }, index) => idOf(`answer ${id} ${index}`),
  };
  const worker = engine.create(0, sink);
  let nowNs = 0;
  for (const [id, { prompt, osl }] of asked.entries()) {
    const count = Math.floor(prompt.length / blockSize);
    const blocks = Int32Array.from({ length: count }, (_, i) =>
      idOf(prompt.slice(0, (i + 1) * blockSize).join()),
    );
    expect(worker.submit({ id, blocks, isl: prompt.length, osl }, nowNs)).toBeUndefined();
    nowNs += 3_600e9;
    worker.advance(nowNs);
  }
  return cached;
}

describe("metrics", () => {
  test("are Prometheus text under vLLM's names", async () => {
    await using engine = await start({ ...quick, workers: 1, modelPath: 'a "quoted" model' });
    const url = engine.workers[0]!.url;
    await ask(url, { model: engine.servedModelName, prompt: promptOf(1, 1, 70), osl: 5 });
    const text = (await metricsOf(engine))[0]!;
    const sample = /^[a-z_]+(:[a-z0-9_]+)?\{([a-z_]+="(\\.|[^"\\])*",?)+\} \d+(\.\d+)?(e-\d+)?$/;
    const type = /^# TYPE [a-z0-9_:]+ (gauge|counter|histogram)$/;
    for (const line of text.trimEnd().split("\n"))
      expect(line).toMatch(line[0] === "#" ? type : sample);
    // Names of measured vLLM 0.32.
    for (const [name, value] of [
      ["vllm:num_requests_running", 0],
      ["vllm:num_requests_waiting", 0],
      ["vllm:kv_cache_usage_perc", 0],
      ["vllm:prefix_cache_queries_total", 70],
      ["vllm:prefix_cache_hits_total", 0],
      ["vllm:prompt_tokens_total", 70],
      ["vllm:prompt_tokens_cached_total", 0],
      ["vllm:generation_tokens_total", 5],
      ["vllm:num_preemptions_total", 0],
      ["vllm:time_to_first_token_seconds_count", 1],
      ["vllm:inter_token_latency_seconds_count", 4],
      ["vllm:e2e_request_latency_seconds_count", 1],
      ["vllm:request_queue_time_seconds_count", 1],
      ["vllm:cache_config_info", 1],
      ["dynbench_mocker_time_scale", 50],
    ] as const) {
      expect([name, metric(text, name)]).toEqual([name, value]);
    }
    expect(metric(text, "vllm:request_success_total", 'finished_reason="length"')).toBe(1);
    expect(metric(text, "dynbench_mocker_lateness_seconds_count")).toBeGreaterThan(0);
  });
});

describe("options", () => {
  const resolved = (raw: Record<string, unknown>) => mocker.limits!(v.parse(mocker.options, raw));

  test("default to the guide's engines on an L40S", () => {
    expect(resolved({})).toEqual({
      workers: 8,
      blockSize: 64,
      kvBlocks: 3_089,
      maxNumSeqs: 256,
      maxNumBatchedTokens: 16_384,
      maxModelLen: 32_768,
    });
  });

  test("dynamo's timing brings its own limits", () => {
    expect(resolved({ timing: "dynamo" })).toMatchObject({
      kvBlocks: 16_384,
      maxNumSeqs: 256,
      maxNumBatchedTokens: 8_192,
      maxModelLen: 16_384 * 64,
    });
  });

  test("the GPU's memory is divided into blocks of the given size", () => {
    expect(resolved({ blockSize: 16 }).kvBlocks).toBe(3_089 * 4);
    expect(resolved({ timing: "h100" }).kvBlocks).toBe(7_123);
  });

  test("the default context limit shrinks to the cache, a given one that is too large is a fault", () => {
    expect(resolved({ kvBlocks: 10 }).maxModelLen).toBe(640);
    const options = v.parse(mocker.options, { kvBlocks: 10, maxModelLen: 1_000 });
    expect(mocker.check!(options, { name: "kv", plane: "http" })).toEqual([
      {
        path: "maxModelLen",
        message: "A request of 1000 tokens does not fit a KV cache of 640",
        hint: "Use --max-model-len 640, or at least --kv-blocks 16",
      },
    ]);
  });

  test("the served name is the whole model path unless given", async () => {
    await using engine = await start({ ...quick, workers: 1, modelPath: "some/model" });
    expect(engine.servedModelName).toBe("some/model");
    await using named = await start({ ...quick, workers: 1, servedModelName: "short" });
    expect(named.servedModelName).toBe("short");
  });
});

test("a worker reads only JSON, as vLLM does, and takes nothing from pages", async () => {
  await using engine = await start({ ...quick, workers: 1 });
  const { url } = engine.workers[0]!;
  const prompt = { prompt: [1, 2, 3], max_tokens: 1 };
  expect((await post(url, "/v1/completions", prompt)).status).toBe(200);
  const text = await fetch(`${url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify(prompt),
  });
  expect(text.status).toBe(415);
  expect(await text.json()).toMatchObject({
    error: { message: "Unsupported Media Type: Only 'application/json' is allowed", code: 415 },
  });
  const reset = (headers: Record<string, string>) =>
    fetch(`${url}/reset_prefix_cache`, { method: "POST", headers });
  expect((await reset({})).status).toBe(200);
  expect((await reset({ origin: "http://evil.example" })).status).toBe(403);
});

describe("with a model's tokenizer", () => {
  const folder = mkdtempSync(join(tmpdir(), "dynbench-mocker-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  writeSmallTokenizer(folder, "llama3");

  test("counts the model's tokens, and answers with the requested number of them", async () => {
    await using engine = await start({ ...quick, workers: 1, modelPath: folder });
    expect(engine.tokenizer).toBe(folder);
    const { url } = engine.workers[0]!;
    const asked = async (path: string, body: object): Promise<any> =>
      (await post(url, path, body)).json();
    const tokenizer = await openTokenizer(folder);
    const prompt = "bab cec dod, fuf!";
    const tokens = [...tokenizer.encode(prompt)];
    expect(await asked("/tokenize", { prompt })).toMatchObject({ count: tokens.length, tokens });
    const messages = [{ role: "user", content: prompt }];
    const chat = [...tokenizer.encodeChat(messages)];
    expect((await asked("/tokenize", { messages })).tokens).toEqual(chat);
    expect((await asked("/v1/chat/completions/render", { messages })).token_ids).toEqual(chat);
    const [rendered] = await asked("/v1/completions/render", { prompt });
    expect(rendered.token_ids).toEqual(tokens);
    expect((await asked("/detokenize", { tokens: tokens.slice(1) })).prompt).toBe(prompt);

    const answer = await asked("/v1/completions", {
      prompt,
      max_tokens: 7,
      return_token_ids: true,
    });
    expect(answer.usage).toMatchObject({ prompt_tokens: tokens.length, completion_tokens: 7 });
    const [choice] = answer.choices;
    expect([...tokenizer.encode(choice.text.trim())].length).toBe(1 + 7);
    expect(choice.text).toBe(
      ` ${choice.token_ids.map((id: number) => tokenizer.decode([id]).trim()).join(" ")}`,
    );
    const told = await asked("/v1/chat/completions", { messages, max_tokens: 3 });
    expect(told.usage.prompt_tokens).toBe(chat.length);
  });

  test("a named tokenizer takes precedence over the model's, and must exist", async () => {
    await using engine = await start({ ...quick, workers: 1, tokenizer: folder });
    expect([engine.tokenizer, engine.servedModelName.startsWith("deepseek")]).toEqual([
      folder,
      true,
    ]);
    await expect(start({ ...quick, tokenizer: "nowhere" })).rejects.toThrow(
      'Cannot use tokenizer "nowhere"',
    );
  });
});
