import { describe, expect, test } from "bun:test";
import { requestBody } from "../../../core/prompt/body.ts";
import { decode, encode, encodeChat, WORD_TOKENIZER } from "../../../core/prompt/word-tokenizer.ts";
import type { WireForm } from "../../../core/contract/request.ts";

const tokens = Uint32Array.from({ length: 3000 }, (_, i) => 1000 + ((i * 7919) % 30_000));

function body(form: WireForm, more: { tokens?: Uint32Array; extra?: object; model?: string } = {}) {
  const options = { model: "m", osl: 20, ...more };
  const made = requestBody({
    form,
    tokenizer: WORD_TOKENIZER,
    tokens: options.tokens ?? tokens,
    model: options.model,
    osl: options.osl,
    extra: { ...options.extra },
  });
  return { path: made.path, json: JSON.parse(Buffer.from(made.body).toString()) };
}

describe("requestBody", () => {
  test("ids: exactly the tokens, and no field that Dynamo or vLLM refuses", () => {
    const { path, json } = body("ids");
    expect(path).toBe("/v1/completions");
    expect(json).toEqual({
      model: "m",
      prompt: [...tokens],
      max_tokens: 20,
      ignore_eos: true,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test("text: as many words as tokens, the same ones", () => {
    const { path, json } = body("text");
    expect(path).toBe("/v1/completions");
    expect(json.prompt).toBe(decode(tokens));
    expect(encode(json.prompt)).toEqual(tokens);
  });

  test("chat: the template's tokens count towards the prompt's length", () => {
    const { path, json } = body("chat");
    expect(path).toBe("/v1/chat/completions");
    expect(encodeChat(json.messages).length).toBe(tokens.length);
    expect(encode(json.messages[0].content)).toEqual(tokens.subarray(0, -4));
    expect(() => body("chat", { tokens: tokens.subarray(0, 4) })).toThrow(
      "Cannot make a chat prompt of 4 tokens",
    );
  });

  test("ids at both ends of the range keep their digits", () => {
    const ends = new Uint32Array([1000, 9999, 10_000, 30_999]);
    expect(body("ids", { tokens: ends }).json.prompt).toEqual([1000, 9999, 10_000, 30_999]);
    expect(body("ids", { tokens: new Uint32Array(0) }).json.prompt).toEqual([]);
    // Ids of answers may be any of a model's.
    const any = new Uint32Array([0, 999, 1000, 31_000, 128_255, 9_999_999]);
    expect(body("ids", { tokens: any }).json.prompt).toEqual([...any]);
  });

  test("extra fields come last, and replace fields of the same name", () => {
    const extra = {
      max_tokens: 5,
      temperature: 0,
      stream_options: { continuous_usage_stats: true },
    };
    const made = requestBody({
      form: "ids",
      model: "m",
      tokens,
      tokenizer: WORD_TOKENIZER,
      osl: 20,
      extra,
    });
    const text = Buffer.from(made.body).toString();
    expect(text.match(/"max_tokens"/g)).toHaveLength(1);
    expect(JSON.parse(text)).toMatchObject({
      max_tokens: 5,
      temperature: 0,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    });
  });

  test("any model name and any extra text survive", () => {
    const model = 'org/ünï "q" \u2028';
    const { json } = body("text", { model, extra: { user: "日本 \u0000" } });
    expect(json.model).toBe(model);
    expect(json.user).toBe("日本 \u0000");
  });
});
