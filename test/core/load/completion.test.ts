import { describe, expect, test } from "bun:test";
import { rangeOf } from "../../../core/wire/http/byte-range.ts";
import { Completion } from "../../../core/load/completion.ts";

/** Feeds events at 10, 20, 30 … ns and returns the result. */
function read(...events: (string | object)[]) {
  const completion = new Completion();
  for (const [i, event] of events.entries()) {
    const text = typeof event === "string" ? event : JSON.stringify(event);
    completion.event(rangeOf(Buffer.from(text)), (i + 1) * 10);
  }
  return { error: completion.error, ...completion.fields() };
}

// As vLLM 0.32 sent them, shortened.
const vllm = (text: string, finish: string | null = null, more: object = {}) => ({
  id: "cmpl-1",
  object: "text_completion",
  created: 1,
  model: "tiny",
  choices: [{ index: 0, text, logprobs: null, finish_reason: finish, token_ids: null, ...more }],
});
const usage = (completion: number, prompt = 200, cached?: number) => ({
  id: "cmpl-1",
  choices: [],
  usage: {
    prompt_tokens: prompt,
    total_tokens: prompt + completion,
    completion_tokens: completion,
    ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
  },
});
// As Dynamo 1.6.1 sent them, shortened.
const dynamo = (text: string, finish?: string) => ({
  id: "cmpl-7e",
  choices: [{ text, index: 0, ...(finish ? { finish_reason: finish } : {}) }],
  created: 1,
  usage: null,
  nvext: { worker_id: { prefill_worker_id: "1" } },
});
const chat = (delta: object, finish: string | null = null) => ({
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
});

describe("Completion", () => {
  test("vLLM: the last token's chunk carries the finish reason", () => {
    const result = read(
      vllm(" One"),
      vllm(" two"),
      vllm(" three", "length"),
      usage(3, 200, 192),
      "[DONE]",
    );
    expect(result).toEqual({
      error: undefined,
      firstTokenNs: 10,
      lastTokenNs: 30,
      gapsNs: [10, 10],
      osl: 3,
      promptTokens: 200,
      cachedTokens: 192,
    });
  });

  test("Dynamo: the finish chunk after the last token is not a token", () => {
    const result = read(dynamo(" ->"), dynamo(" b"), dynamo("", "length"), usage(2), "[DONE]");
    expect(result).toMatchObject({ error: undefined, lastTokenNs: 20, gapsNs: [10], osl: 2 });
  });

  test("a last token without text came with the finish chunk when the usage counts it", () => {
    const result = read(vllm(" a"), vllm("", "length"), usage(2), "[DONE]");
    expect(result).toMatchObject({ error: undefined, lastTokenNs: 20, gapsNs: [10], osl: 2 });
    const single = read(vllm("", "length"), usage(1), "[DONE]");
    expect(single).toMatchObject({ error: undefined, firstTokenNs: 10, osl: 1 });
  });

  test("the first token is that of the first chunk with content, and both stamps are kept", () => {
    for (const blank of ["", " ", "\n\t "]) {
      const token = read(vllm(blank), vllm(" a"), vllm(" b", "length"), usage(3));
      const times = { firstChunkNs: 10, firstTokenNs: 20, lastTokenNs: 30, gapsNs: [10] };
      expect(token).toMatchObject({ error: undefined, ...times, firstTokens: 2, osl: 3 });
      // The usage counts two tokens: the blank chunk was none.
      const none = read(vllm(blank), vllm(" a"), vllm(" b", "length"), usage(2));
      expect(none).toMatchObject({ error: undefined, ...times, osl: 2 });
      expect(none.firstTokens).toBeUndefined();
    }
  });

  test("an answer of blank text alone begins with its first chunk", () => {
    const result = read(vllm(" "), vllm("\n"), vllm(" ", "length"), usage(3), "[DONE]");
    expect(result).toMatchObject({ error: undefined, firstTokenNs: 10, gapsNs: [10, 10], osl: 3 });
    expect(result.firstChunkNs).toBeUndefined();
  });

  test("a chunk with token ids has content, whatever its text", () => {
    const ids = { token_ids: [7] };
    const result = read(vllm("", null, ids), vllm(" b", "length", ids), usage(2));
    expect(result).toMatchObject({ firstTokenNs: 10, gapsNs: [10], osl: 2 });
  });

  test("counts that cannot be are left out, and the first is named", () => {
    const of = (counts: object) =>
      read(vllm(" a"), vllm(" b", "length"), { choices: [], usage: counts });
    const negative = of({ prompt_tokens: 200, completion_tokens: -3 });
    expect(negative).toMatchObject({ osl: 2, promptTokens: 200, error: undefined });
    expect(negative.usageFault).toBe("usage.completion_tokens is -3");
    const huge = of({ prompt_tokens: 200, prompt_tokens_details: { cached_tokens: -2e301 } });
    expect(huge.usageFault).toBe("usage.prompt_tokens_details.cached_tokens is -2e+301");
    expect(huge.cachedTokens).toBeUndefined();
    const more = of({ prompt_tokens: 200, prompt_tokens_details: { cached_tokens: 201 } });
    expect(more.usageFault).toBe("201 cached of 200 prompt tokens");
    expect(more.cachedTokens).toBeUndefined();
    expect(of({ prompt_tokens: "200" }).usageFault).toBe('usage.prompt_tokens is "200"');
    expect(of({ prompt_tokens: null, prompt_tokens_details: null }).usageFault).toBeUndefined();
  });

  test("an event that is not UTF-8 breaks the answer, as a plain one too", () => {
    for (const at of [0, 1]) {
      const completion = new Completion();
      const texts = [" a", " b"].with(at, " \xff");
      for (const text of texts) {
        completion.event(rangeOf(Buffer.from(JSON.stringify(vllm(text)), "latin1")), 10);
      }
      expect(completion.error).toMatchObject({ kind: "malformed" });
    }
    expect(read(vllm(" 語"), vllm(" é", "length"), usage(2)).error).toBeUndefined();
  });

  test("tokens without text in the middle count", () => {
    const result = read(vllm(" a"), vllm(""), vllm(" c", "length"), usage(3));
    expect(result).toMatchObject({ gapsNs: [10, 10], osl: 3 });
    const undecodable = read(chat({ content: "a" }), chat({}), chat({}, "length"), usage(2));
    expect(undecodable).toMatchObject({ gapsNs: [10], osl: 2 });
  });

  test("chat: the opening chunk with only the role is not a token", () => {
    const result = read(
      chat({ role: "assistant", content: "" }),
      chat({ content: "Hi" }),
      chat({ reasoning_content: "hm" }),
      chat({ content: "!" }, "stop"),
      usage(3),
      "[DONE]",
    );
    expect(result).toMatchObject({ firstTokenNs: 20, gapsNs: [10, 10], osl: 3 });
    // Dynamo sends role and first token together.
    const together = read(chat({ content: ".)", role: "assistant" }), chat({}, "stop"), usage(1));
    expect(together).toMatchObject({ firstTokenNs: 10, osl: 1 });
  });

  test("chunks of several tokens are recognised by token_ids", () => {
    const result = read(
      vllm(" a b c", null, { token_ids: [1, 2, 3] }),
      vllm(" d", null, { token_ids: [4] }),
      vllm(" e f", "length", { token_ids: [5, 6] }),
      usage(6),
    );
    expect(result).toMatchObject({ firstTokens: 3, gapsNs: [10, 10], tokens: [1, 2], osl: 6 });
  });

  test("chunks of several tokens are recognised by a running usage", () => {
    const counting = (text: string, tokens: number, finish: string | null = null) => ({
      ...vllm(text, finish),
      usage: { prompt_tokens: 9, completion_tokens: tokens },
    });
    const result = read(counting(" a", 1), counting(" b c", 3), counting(" d", 4, "length"));
    expect(result).toMatchObject({ gapsNs: [10, 10], tokens: [2, 1], osl: 4, promptTokens: 9 });
    expect(result).not.toHaveProperty("firstTokens");
  });

  test("the server's count is the number of tokens, whatever the chunks looked like", () => {
    expect(read(vllm(" a b"), vllm(" c d", "length"), usage(4))).toMatchObject({
      osl: 4,
      gapsNs: [10],
    });
    expect(read(vllm(" a"), vllm(" b", "length"), "[DONE]")).toMatchObject({ osl: 2 });
  });

  test("an error frame under status 200 is a failure and keeps what came before", () => {
    const frame = { error: { message: "Engine died", type: "server_error", code: 500 } };
    const result = read(vllm(" a"), frame, "[DONE]");
    expect(result).toMatchObject({ firstTokenNs: 10, osl: 1 });
    expect(result.error).toEqual({ kind: "error-frame", message: "Engine died" });
  });

  test("a stream that stops early is a failure and keeps its first token", () => {
    const result = read(vllm(" a"), vllm(" b"));
    expect(result).toMatchObject({ firstTokenNs: 10, gapsNs: [10], osl: 2 });
    expect(result.error!.kind).toBe("stream");
    expect(read("[DONE]").error!.message).toBe("the stream ended without any token");
    expect(read().error!.kind).toBe("stream");
    expect(read()).not.toHaveProperty("firstTokenNs");
  });

  test.each(['{"choices":[{"te', "hello", "null", '"text"', "7"])("%j is malformed", (text) => {
    expect(read(vllm(" a"), text).error!.kind).toBe("malformed");
  });

  test("keys inside the text are not read", () => {
    const tricky = '"finish_reason":"stop","usage":{"completion_tokens":9},"error":{}';
    const result = read(vllm(tricky), vllm("error"), vllm('"'), vllm("x", "length"), usage(4));
    expect(result).toMatchObject({ error: undefined, gapsNs: [10, 10, 10], osl: 4 });
  });

  test("an event that differs from the plain ones in more than its text is seen", () => {
    const many = Array.from({ length: 5 }, (_, i) => vllm(` word${i}`));
    const late = { ...vllm(" x"), usage: { completion_tokens: 8, prompt_tokens: 3 } };
    expect(read(...many, late, vllm("y", "stop"))).toMatchObject({
      osl: 8,
      tokens: [1, 1, 1, 1, 3, 1],
    });
    expect(read(...many, vllm(""), vllm("\\"), vllm('a"b'), vllm("z", "stop"))).toMatchObject({
      error: undefined,
      osl: 9,
    });
    const cut = JSON.stringify(vllm(" x")).slice(0, -1);
    expect(read(...many, cut).error!.kind).toBe("malformed");
  });

  test("spaces between JSON tokens change nothing", () => {
    const spaced = (event: object) => JSON.stringify(event, undefined, 1);
    const events = [vllm(" a"), vllm(" b"), vllm(" c", "length"), usage(3, 7, 4)];
    expect(read(...events.map(spaced))).toEqual(read(...events));
  });
});
