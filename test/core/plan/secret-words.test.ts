import { describe, expect, test } from "bun:test";
import { isSecretName, masked, maskFacts, maskWords } from "../../../core/plan/secret-words.ts";

const mask = (line: string): string => maskWords(line.split(" ")).join(" ");

describe("names", () => {
  test("are secret by whole words", () => {
    for (const name of [
      ...["--api-key", "--hf-token", "apiKey", "HF_TOKEN", "db.password", "--secret", "APIKey"],
      ...[
        "authorization",
        "Proxy-Authorization",
        "cookie",
        "x-api-key",
        "Ocp-Apim-Subscription-Key",
      ],
      ...[
        "X-Auth",
        "X-Credential",
        "x-credentials-id",
        "X-Amz-Security-Token",
        "API_KEY_2",
        "DB_PASS",
      ],
    ]) {
      expect([name, isSecretName(name)]).toEqual([name, true]);
    }
  });

  test("of settings that only look similar, or of a place, are not", () => {
    for (const name of [
      ...["--max-num-batched-tokens", "--tokenizer", "--keep-alive", "--bypass", "--passive"],
      ...["--enable-prompt-tokens-details", "--api-key-env", "--ssl-key-file", "monkey"],
      ...[
        "--long-prefill-token-threshold",
        "--kv-bytes-per-token",
        "kvBytesPerToken",
        "--auth-mode",
      ],
      ...[
        "--return-tokens-as-token-ids",
        "--eos-token",
        "keyHeader",
        "x-dynbench-key",
        "authority",
      ],
      ...["TOKENIZERS_PARALLELISM", "cache-key", "prefixTokenCount"],
    ]) {
      expect([name, isSecretName(name)]).toEqual([name, false]);
    }
  });
});

describe("values", () => {
  test("that are numbers are never secret", () => {
    for (const value of ["512", "0.5", "-1", "1e6", "114_688"]) {
      expect(masked("token", value)).toBe(value);
    }
  });

  test("of a known pattern are secret whatever their name", () => {
    for (const value of [
      "sk-proj-abcdefghijklmnop1234",
      "hf_abcdefghijklmnopqrst",
      "ghp_abcdefghijklmnopqrst",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def",
      "AKIAABCDEFGHIJKLMNOP",
      "Bearer abcdef123",
    ]) {
      expect([value, masked("note", value)]).toEqual([value, "***"]);
    }
    expect(masked("proxy", "http://me:s3cret@host:1/x")).toBe("http://me:***@host:1/x");
  });

  test("that are ordinary stay as they are", () => {
    for (const value of [
      ...["meta-llama/Llama-3.1-8B", "task-a/risk-assessment-of-models", "http://host:8000/a@b"],
      ...["Basic", "/home/me/.cache/hub/models--a--b", "kv(temperature=0.5 overlap=1)"],
    ]) {
      expect(masked("model", value)).toBe(value);
    }
  });
});

describe("command lines", () => {
  test("keep everything except the value of a secret name", () => {
    expect(mask("vllm serve m --api-key abc def --port 80")).toBe(
      "vllm serve m --api-key *** *** --port 80",
    );
    expect(mask("--hf-token=abc --max-model-len 4096")).toBe("--hf-token=*** --max-model-len 4096");
    expect(mask("env HF_TOKEN=abc PATH=/bin x")).toBe("env HF_TOKEN=*** PATH=/bin x");
    expect(mask("--engine mocker:apiKey=abc,workers=2")).toBe(
      "--engine mocker:apiKey=***,workers=2",
    );
    expect(mask("--engine=mocker:apiKey=abc")).toBe("--engine=mocker:apiKey=***");
    expect(mask("--token --verbose")).toBe("--token --verbose");
    const settings = "--long-prefill-token-threshold 512 --kv-bytes-per-token 114688 --token=7";
    expect(mask(settings)).toBe(settings);
  });

  test("mask headers and body fields by their names, and keep where a value is", () => {
    const headers = [
      "--header",
      "X-Auth: me:pw",
      "--header=x-credential=abc",
      "-H",
      "x-auth=12345",
    ];
    expect(maskWords(headers)).toEqual([
      ...["--header", "X-Auth: ***", "--header=x-credential=***", "-H", "x-auth=***"],
    ]);
    expect(maskWords(["--body", 'apiKey="abc"', '--body=auth={"user":"a"}'])).toEqual([
      "--body",
      "apiKey=***",
      "--body=auth=***",
    ]);
    expect(maskWords(["--config", '{"api_key": "abc", "a": "b"}'])).toEqual([
      "--config",
      '{"api_key":"***", "a": "b"}',
    ]);
    for (const line of [
      "--header-env x-auth=AUTH_TOKEN --header authorization=@token.txt --header x-team=blue",
      "--header-env=x-auth=AUTH_TOKEN --api-key-env MY_KEY",
    ]) {
      expect(mask(line)).toBe(line);
    }
  });

  test("that are masked stay unchanged", () => {
    const words = [
      ...["--api-key", "abc", "--hf-token=x", "--header", "x-auth: y", '{"apiKey":"x"}'],
      ...["nats://a:b@c", "--", "y", "KEY=z"],
    ];
    const once = maskWords(words);
    expect(maskWords(once)).toEqual(once);
  });
});

test("facts are masked in their command lines, by their names, and below a secret name", () => {
  expect(
    maskFacts({
      workers: [{ command: ["vllm", "--api-key", "abc"], version: "1" }],
      apiKey: "abc",
      apiKeys: ["a", { b: "c" }],
      maxTokens: "8",
      kvBytesPerToken: "114688",
      count: 3,
    }),
  ).toEqual({
    workers: [{ command: ["vllm", "--api-key", "***"], version: "1" }],
    apiKey: "***",
    apiKeys: ["***", { b: "***" }],
    maxTokens: "8",
    kvBytesPerToken: "114688",
    count: 3,
  });
});
