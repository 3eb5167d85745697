import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Dispatcher } from "../../../core/gateway/dispatcher.ts";
import { GatewayCounts } from "../../../core/gateway/gateway-counts.ts";
import type { Answer, ParsedRequest } from "../../../core/gateway/http-server.ts";
import { PromptReader, type ReadPrompt } from "../../../core/gateway/prompt-reader.ts";
import { TokeniseFault, TokenisePool } from "../../../core/gateway/tokenise-pool.ts";
import { BlockTable } from "../../../core/routing/kv/block-table.ts";
import { openTokenizer } from "../../../core/prompt/open-tokenizer.ts";
import { decode, encode } from "../../../core/prompt/word-tokenizer.ts";
import type { RoutingPolicy } from "../../../core/contract/routing-policy.ts";
import { smallTokenizer, writeSmallTokenizer } from "../prompt/small-tokenizer.ts";
import { answerStream, gatewayOf, startWorker } from "./stand-ins.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-tokenise-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = join(folder, "model");
writeSmallTokenizer(model, "llama3");

const TEXT = "bab cec dod fuf gag hah jij kuk lal mum";
const textPrompt = (text: string) => ({ form: "text", text }) as const;

describe("a gateway with a model's tokenizer", () => {
  test("has the same blocks for text and chat as for their token ids, and reports the cost", async () => {
    using worker = startWorker("worker-0", answerStream);
    const seen: number[][] = [];
    const policy: RoutingPolicy = {
      reads: ["blocks"],
      pick: ({ isl, blocks }, { eligible }) => {
        seen.push([isl, ...blocks]);
        return eligible[0]!;
      },
    };
    const decisionsPath = join(folder, "decisions.jsonl");
    {
      await using gateway = await gatewayOf([worker.worker], policy, {
        tokenizer: model,
        expectsText: true,
        decisionsPath,
      });
      const tokenizer = await openTokenizer(model);
      const messages = [{ role: "user", content: TEXT }];
      const post = async (body: object, path = "/v1/completions") =>
        (await gateway.post(body, { path })).text();
      await post({ prompt: [...tokenizer.encode(TEXT)] });
      await post({ prompt: TEXT });
      await post({ prompt: [...tokenizer.encodeChat(messages)] });
      await post({ messages }, "/v1/chat/completions");
      const { prompts, sharing, costUs } = await gateway.state();
      expect(prompts).toEqual({ ids: 2, words: 0, model: 2, bytes: 0, none: 0 });
      expect(sharing).toBe("exact");
      expect(costUs.tokenise.p99).toBeGreaterThan(0);
    }
    // Ten words and the first token: two blocks of four. The chat's four own tokens make three.
    expect(seen).toEqual([
      [11, 0, 1],
      [11, 0, 1],
      [14, 2, 3, 4],
      [14, 2, 3, 4],
    ]);
    const lines = (await Bun.file(decisionsPath).text()).trim().split("\n");
    const costs = lines.map((line) => JSON.parse(line).costUs);
    expect(costs.every(({ tokenise }) => tokenise >= 0)).toBe(true);
    // Only what a thread does is waited for.
    expect(costs.map(({ tokeniseWait }) => tokeniseWait > 0)).toEqual([false, true, false, true]);
  });

  test("does not start with a tokenizer that it cannot read", async () => {
    using worker = startWorker("worker-0", answerStream);
    const policy: RoutingPolicy = { reads: ["blocks"], pick: () => 0 };
    const broken = join(folder, "broken");
    writeSmallTokenizer(broken, "llama2");
    writeFileSync(join(broken, "tokenizer.json"), "{");
    const fault = `Cannot read the tokenizer in "${broken}"`;
    await expect(
      gatewayOf([worker.worker], policy, { tokenizer: broken, expectsText: true }),
    ).rejects.toThrow(fault);
    // Where only ids are expected it starts, and a text is an error.
    await using gateway = await gatewayOf([worker.worker], policy, { tokenizer: broken });
    expect((await gateway.post({ prompt: [1, 2, 3, 4] })).status).toBe(200);
    const refused = await gateway.post({ prompt: TEXT });
    expect(refused.status).toBe(500);
    expect(((await refused.json()) as any).error).toMatchObject({
      type: "tokenizer_error",
      message: expect.stringContaining(fault),
    });
  });
});

describe("reading", () => {
  const bytesOf = (body: unknown) => new TextEncoder().encode(JSON.stringify(body));
  const waiting = { tokens: () => new Promise(() => {}) } as unknown as TokenisePool;
  const reader = (hasModel: boolean, pool = waiting) =>
    new PromptReader({ blockSize: 4, needsBlocks: true, table: new BlockTable(), pool, hasModel });

  test("a prompt never waits for the text of another", () => {
    const reading = reader(true);
    expect(reading.read(bytesOf({ prompt: TEXT }), "prompt")).toBeInstanceOf(Promise);
    const ids = reading.read(bytesOf({ prompt: [1, 2, 3, 4, 5] }), "prompt") as ReadPrompt;
    expect([ids.isl, ids.source, ids.blocks.length]).toEqual([5, "ids", 1]);
  });

  test("the built-in tokenizer's words are read at once, and elsewhere when they are very many", () => {
    const reading = reader(false);
    const words = (count: number) => ({ prompt: decode(new Uint32Array(count).fill(1000)) });
    const short = reading.read(bytesOf(words(8)), "prompt") as ReadPrompt;
    expect([short.isl, short.source, short.tokeniseWaitNs]).toEqual([8, "words", 0]);
    expect(reading.read(bytesOf(words(50_000)), "prompt")).toBeInstanceOf(Promise);
  });

  test("a long text has the same blocks and prefix hash on a thread as at once", async () => {
    using pool = new TokenisePool(undefined);
    const ids = Uint32Array.from({ length: 20_000 }, (_, i) => 1000 + ((i * 7919) % 30_000));
    const table = new BlockTable();
    const options = { blockSize: 4, needsBlocks: true, table, hasModel: false };
    const reading = new PromptReader({ ...options, pool });
    const fromIds = reading.read(bytesOf({ prompt: [...ids] }), "prompt") as ReadPrompt;
    const hash = fromIds.prefixHash(10);
    const fromText = await reading.read(bytesOf({ prompt: decode(ids) }), "prompt")!;
    expect(fromText.blocks).toEqual(fromIds.blocks);
    expect(fromText.prefixHash(10)).toBe(hash);
    expect(fromText.tokeniseNs).toBeGreaterThan(0);
  });
});

describe("the pool", () => {
  test("gives every prompt its own tokens, and more prompts than it has threads", async () => {
    using pool = new TokenisePool(undefined);
    const texts = Array.from({ length: 20 }, (_, i) => decode([1000 + i, 2000 + i]));
    const results = await Promise.all(texts.map((text) => pool.tokens(textPrompt(text), 20)));
    expect(results.map(({ tokens }) => tokens)).toEqual(texts.map(encode));
    const foreign = await pool.tokens(textPrompt("no words of ours"), 20);
    expect([foreign.source, foreign.tokens.length]).toEqual(["bytes", 5]);
  });

  test("a chat that the template refuses is a client error, and the next prompt is served", async () => {
    const strict = join(folder, "strict");
    writeSmallTokenizer(strict, "llama2");
    const chat_template = "{{ raise_exception('roles must alternate') }}";
    const config = { ...smallTokenizer("llama2").config, chat_template };
    writeFileSync(join(strict, "tokenizer_config.json"), JSON.stringify(config));
    using pool = new TokenisePool(strict);
    await pool.start();
    const messages = [{ role: "user", content: "bab" }];
    // Caught here, because `expect(…).rejects` does not turn to a thread that nothing keeps alive.
    const fault: unknown = await pool
      .tokens({ form: "chat", messages }, 20)
      .catch((error) => error);
    expect(fault).toMatchObject({
      status: 400,
      message: "Cannot tokenise the prompt: roles must alternate",
    });
    expect((await pool.tokens(textPrompt("bab cec"), 20)).tokens.length).toBe(3);
  });

  test("messages that are nested too deep for a thread are a client error, and hold up nobody", async () => {
    using pool = new TokenisePool(undefined);
    await pool.start();
    const deep: unknown = JSON.parse(`${"[".repeat(300_000)}${"]".repeat(300_000)}`);
    for (let i = 0; i < 3; i += 1) {
      await expect(pool.tokens({ form: "chat", messages: [deep] }, 20)).rejects.toMatchObject({
        status: 400,
        message: "Cannot tokenise the prompt: its messages are nested too deep",
      });
    }
    expect((await pool.tokens(textPrompt("baban"), 20)).source).toBe("words");
  });

  test("prompts beyond the queue's room are refused, and closing fails those that wait", async () => {
    const pool = new TokenisePool(undefined);
    // Nothing waits before it: it is one prompt, and not too many.
    const alone = pool.tokens(textPrompt("baban"), 68_000_000);
    await expect(pool.tokens(textPrompt("baban"), 20)).rejects.toMatchObject({
      status: 503,
      message: "Cannot tokenise the prompt: too many prompts wait for it",
    });
    expect((await alone).source).toBe("words");
    const waits = [1, 2, 3].map(() => pool.tokens(textPrompt("baban"), 20));
    pool[Symbol.dispose]();
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ status: 500 });
    await expect(pool.tokens(textPrompt("baban"), 20)).rejects.toMatchObject({ status: 503 });
  });
});

describe("a request whose prompt is on a thread", () => {
  function arrive() {
    const { promise, resolve, reject } = Promise.withResolvers<ReadPrompt>();
    const counts = new GatewayCounts();
    const dispatcher = new Dispatcher({
      reader: { read: () => promise } as unknown as PromptReader,
      host: null as never, // asked by no request that ends before it is tokenised
      links: [],
      isSplit: false,
      counts,
      decisions: undefined,
      log: null as never,
    });
    const said: unknown[] = [];
    let leave = (): void => {};
    const answer: Answer = {
      head: (status) => void said.push(status),
      data: (bytes) => void said.push(JSON.parse(Buffer.from(bytes).toString()).error),
      end: () => {},
      destroy: () => {},
      onAbort: (listener) => (leave = listener),
    };
    const request = { body: new Uint8Array(0), headers: {} } as unknown as ParsedRequest;
    dispatcher.handle(request, answer, "prompt");
    return { dispatcher, counts, said, resolve, reject, leave: () => leave() };
  }

  test("is in flight until its client leaves or its tokens arrive", async () => {
    const { dispatcher, counts, said, resolve, leave } = arrive();
    expect(dispatcher.inFlight).toBe(1);
    leave();
    resolve({} as ReadPrompt); // not routed: the host would throw
    await Promise.resolve();
    await Promise.resolve();
    expect(dispatcher.inFlight).toBe(0);
    expect(counts.total.aborted).toBe(1);
    expect(said).toEqual([]);
  });

  test("gets the reason when it has no tokens", async () => {
    const { dispatcher, said, reject } = arrive();
    reject(new TokeniseFault(503, "too many prompts wait for it"));
    await Promise.resolve();
    await Promise.resolve();
    expect(said).toMatchObject([
      503,
      { type: "overloaded", message: "Cannot tokenise the prompt: too many prompts wait for it" },
    ]);
    expect(dispatcher.inFlight).toBe(0);
  });
});
