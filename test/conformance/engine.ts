/**
 * Requirements for every engine: the suite of bundled and outside engines. An engine that passes
 * starts completely or not at all, leaves nothing behind, answers as an OpenAI server that counts its
 * tokens, and reports what its caches hold.
 */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { v } from "dynbench";
import type { Engine, EngineHandle, StartContext, Worker } from "dynbench/engine";
import { decodeKvBatch, type KvEvent } from "../../core/routing/kv/kv-events.ts";
import { requestReplay } from "../../core/wire/zmq/replay.ts";
import { connectSubscriber } from "../../core/wire/zmq/subscriber.ts";
import { decodeSequence } from "../../core/wire/zmq/sequence.ts";
import { ask, eventually, metric, post } from "./ask.ts";
import type { TriedContext } from "./in-process.ts";
import { testOwnNames } from "./own-names.ts";
import { testStarts, triedParts, type Check } from "./start.ts";

export interface EngineSuite {
  readonly engine: Engine<any>;
  /** Raw options of a small, quick instance with at least two workers. */
  readonly options: Record<string, unknown>;
  /** A fresh context for each start: `realContext` of this module, or one of your own. */
  readonly context: () => TriedContext;
  /** Its workers belong to somebody else: they run before its start and after its end. */
  readonly isAttached?: boolean;
  /** Its metrics do not have vLLM's names, so the test of clients that leave is left out. */
  readonly hasOtherMetrics?: boolean;
  /** Tests that do not apply, by name, each with its reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** Tests of abilities that an engine without a `model` disclaims are left out. */
export function testEngine(suite: EngineSuite): void {
  const { context, check, checkSkips } = triedParts(suite);
  const own = { ...suite, context };
  describe(`engine ${suite.engine.name}`, () => {
    testOwnNames(suite.engine);
    describe("life", () => testLife(own, check));
    describe("serving", () => testServing(own, check));
    if (!suite.hasOtherMetrics) describe("abort", () => testAbort(own, check));
    describe("caching", () => testCaching(own, check));
    if (suite.engine.model) describe("model", () => testModel(own, check));
    checkSkips();
  });
}

/** Block sizes up to this get a whole block out of a short prompt. */
const PROMPT_BLOCKS = 3;

function testLife(suite: EngineSuite, check: Check): void {
  const options = v.parse(suite.engine.options, suite.options);
  const start = (context: StartContext): Promise<EngineHandle> =>
    suite.engine.start!(options, "http", context);

  check("names its workers apart and gives each an address that answers", async () => {
    await using engine = await start(suite.context());
    expect(engine.workers.length).toBeGreaterThanOrEqual(2);
    expect(new Set(engine.workers.map((worker) => worker.id)).size).toBe(engine.workers.length);
    for (const worker of engine.workers) {
      expect((await fetch(`${worker.url}/health`)).status).toBe(200);
    }
    expect(JSON.parse(JSON.stringify(engine.facts))).toEqual(engine.facts);
  });

  const { context, isAttached = false } = suite;
  if (!isAttached) {
    check("starts twice beside itself", async () => {
      await using first = await start(context());
      await using second = await start(context());
      const urls = [...first.workers, ...second.workers].map(({ url }) => url);
      expect(new Set(urls).size).toBe(urls.length);
    });
  }

  testStarts({ start, context, urls: urlsOf, isAttached }, check);
}

const urlsOf = ({ workers }: EngineHandle): string[] => workers.map(({ url }) => url);

/** One engine for all tests of a part, and prompts that were never sent before. */
interface Running {
  readonly engine: EngineHandle;
  /** The first of its workers. */
  readonly worker: Worker;
  readonly model: string;
  /** Some whole blocks and `extra` tokens. */
  freshPrompt(extra?: number): number[];
}

/** Of all suites: attached workers may have seen the prompts of another one. */
let prompts = 0;

function runningEngine(suite: EngineSuite): Running {
  let engine: EngineHandle;
  beforeAll(async () => {
    const options = v.parse(suite.engine.options, suite.options);
    engine = await suite.engine.start!(options, "http", suite.context());
  });
  afterAll(() => engine[Symbol.asyncDispose]());
  return {
    get engine() {
      return engine;
    },
    get worker() {
      return engine.workers[0]!;
    },
    get model() {
      return engine.servedModelName;
    },
    freshPrompt: (extra = 1) => {
      prompts += 1;
      const length = PROMPT_BLOCKS * engine.workers[0]!.blockSize + extra;
      return Array.from({ length }, (_, i) => 1_000 + ((prompts * 7_919 + i * 13) % 20_000));
    },
  };
}

function testServing(suite: EngineSuite, check: Check): void {
  const running = runningEngine(suite);

  check("streams exactly the tokens asked for, ends cleanly and says who answered", async () => {
    const { worker, model } = running;
    for (const osl of [1, 2, 7]) {
      const prompt = running.freshPrompt();
      const answer = await ask(worker.url, { model, prompt, osl });
      expect(answer.status).toBe(200);
      expect(answer.isDone).toBe(true);
      expect(answer.usage?.prompt_tokens).toBe(prompt.length);
      expect(answer.usage?.completion_tokens).toBe(osl);
      expect(answer.usage?.total_tokens).toBe(prompt.length + osl);
      const reasons = answer.chunks.flatMap((chunk) =>
        chunk.choices.map((choice: { finish_reason: string | null }) => choice.finish_reason),
      );
      expect(reasons.at(-1)).toBe("length");
      expect(reasons.slice(0, -1).every((reason) => reason === null)).toBe(true);
    }
  });

  check("answers whole what is not streamed", async () => {
    const { worker, model } = running;
    const prompt = running.freshPrompt();
    const response = await post(worker.url, "/v1/completions", { model, prompt, max_tokens: 3 });
    const body = (await response.json()) as any;
    expect(body.usage.prompt_tokens).toBe(prompt.length);
    expect(body.usage.completion_tokens).toBe(3);
    expect(body.choices[0].finish_reason).toBe("length");
    expect(typeof body.choices[0].text).toBe("string");
  });

  check("refuses in OpenAI's shape what it cannot serve", async () => {
    const { worker, model } = running;
    const tooLong = new Array<number>(worker.maxModelLen! + 1).fill(1_000);
    const cases: [body: unknown, status: number, type: string][] = [
      [{ model: "no-such-model", prompt: [1_000] }, 404, "NotFoundError"],
      [{ model, prompt: tooLong, max_tokens: 1 }, 400, "BadRequestError"],
      [{ model, prompt: [1_000], max_tokens: "many" }, 400, "BadRequestError"],
      [{ model, prompt: [] }, 400, "BadRequestError"],
      ["{", 400, "BadRequestError"],
    ];
    for (const [body, status, type] of cases) {
      const response = await post(worker.url, "/v1/completions", body);
      expect(response.status).toBe(status);
      const { error } = (await response.json()) as any;
      expect(error.type).toBe(type);
      expect(error.code).toBe(status);
      expect(error.message.length).toBeGreaterThan(0);
    }
    expect((await fetch(`${worker.url}/no-such-path`)).status).toBe(404);
  });
}

function testAbort(suite: EngineSuite, check: Check): void {
  const running = runningEngine(suite);

  check("stops working for a client that went away", async () => {
    const { worker, model } = running;
    const generated = async (): Promise<number> =>
      metric(await (await fetch(worker.metricsUrl!)).text(), "vllm:generation_tokens_total");
    const before = await generated();
    const stop = new AbortController();
    const prompt = running.freshPrompt();
    const osl = worker.maxModelLen! - prompt.length;
    const body = { model, prompt, max_tokens: osl, stream: true };
    const response = await post(worker.url, "/v1/completions", body, stop.signal);
    await response.body!.getReader().read();
    stop.abort();
    await eventually(async () => {
      const text = await (await fetch(worker.metricsUrl!)).text();
      return metric(text, "vllm:num_requests_running") === 0;
    });
    const text = await (await fetch(worker.metricsUrl!)).text();
    expect(metric(text, "vllm:kv_cache_usage_perc")).toBe(0);
    expect((await generated()) - before).toBeLessThan(osl);
  });
}

function testCaching(suite: EngineSuite, check: Check): void {
  const running = runningEngine(suite);

  check("tells the cached part of a repeated prompt, and none after a reset", async () => {
    const { worker, model } = running;
    const prompt = running.freshPrompt();
    const cached = async (): Promise<number | undefined> =>
      (await ask(worker.url, { model, prompt, osl: 2 })).usage?.prompt_tokens_details
        ?.cached_tokens;
    expect(await cached()).toBe(0);
    expect(await cached()).toBe(PROMPT_BLOCKS * worker.blockSize);
    if (running.engine.resetCache === undefined) return; // it says that it cannot
    await running.engine.resetCache();
    expect(await cached()).toBe(0);
  });

  check("computes at least one token of a prompt that is cached whole", async () => {
    const { worker, model } = running;
    const prompt = running.freshPrompt(0);
    await ask(worker.url, { model, prompt, osl: 1 });
    const again = await ask(worker.url, { model, prompt, osl: 1 });
    expect(again.usage?.prompt_tokens_details?.cached_tokens).toBe(
      (PROMPT_BLOCKS - 1) * worker.blockSize,
    );
  });

  check("caches are each worker's own", async () => {
    const { model } = running;
    const prompt = running.freshPrompt();
    for (const { url } of running.engine.workers) {
      const { usage } = await ask(url, { model, prompt, osl: 1 });
      expect(usage?.prompt_tokens_details?.cached_tokens).toBe(0);
    }
  });

  check("publishes what its cache holds, and replays it to who missed it", async () => {
    const { worker, model } = running;
    const { endpoint, replayEndpoint, topic } = worker.kvEvents!;
    const seen = new Map<number, string>();
    let events: KvEvent[] = [];
    const connected = Promise.withResolvers<void>();
    await using _subscriber = connectSubscriber({
      ...addressOf(endpoint),
      topic,
      onConnect: () => connected.resolve(),
      onMessage: ([, sequence, payload]) => {
        seen.set(decodeSequence(sequence)!, Buffer.from(payload!).toString("hex"));
        events = [...events, ...decodeKvBatch(payload!).events];
      },
    });
    await connected.promise;
    // The subscription is on its way when we are connected; requests go on until it has arrived.
    let prompt: number[] = [];
    await eventually(async () => {
      prompt = running.freshPrompt();
      await ask(worker.url, { model, prompt, osl: 1 });
      return seen.size > 0;
    });
    await eventually(() => tokensOf(events).endsWith(prompt.slice(0, -1).join()));

    const replayed = new Map<number, string>();
    await requestReplay({
      ...addressOf(replayEndpoint!),
      fromSequence: 0,
      onMessage: ({ sequence, payload }) =>
        replayed.set(sequence, Buffer.from(payload).toString("hex")),
    });
    for (const [sequence, payload] of seen) expect(replayed.get(sequence)).toBe(payload);
    expect([...replayed.keys()]).toEqual(Array.from({ length: replayed.size }, (_, i) => i));
  });
}

function addressOf(endpoint: string): { host: string; port: number } {
  const { hostname, port } = new URL(endpoint.replace("tcp:", "http:"));
  return { host: hostname, port: Number(port) };
}

function tokensOf(events: readonly KvEvent[]): string {
  return events.flatMap((event) => (event.type === "stored" ? [...event.tokens] : [])).join();
}

function testModel(suite: EngineSuite, check: Check): void {
  check("has a model of as many workers and the same sizes as it starts", async () => {
    const options = v.parse(suite.engine.options, suite.options);
    const model = suite.engine.model!(options);
    await using engine = await suite.engine.start!(options, "http", suite.context());
    expect(model.workers).toEqual(engine.workers.map(({ id, role }) => ({ id, role })));
    const { workers, ...limits } = suite.engine.limits!(options);
    expect(workers).toBe(engine.workers.length);
    expect(model.limits).toEqual(limits as typeof model.limits);
    for (const worker of engine.workers) {
      expect(worker.blockSize).toBe(model.limits.blockSize);
      expect(worker.kvBlocks).toBe(model.limits.kvBlocks);
      expect(worker.maxModelLen).toBe(model.limits.maxModelLen);
    }
  });
}
