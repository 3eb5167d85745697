import { describe, expect, test } from "bun:test";
import { isSecretFlag, maskFacts, maskWords } from "../../../core/plan/secret-words.ts";

const mask = (line: string): string => maskWords(line.split(" ")).join(" ");

describe("flags", () => {
  test("are secret by whole words of their names", () => {
    for (const name of [
      "--api-key",
      "--hf-token",
      "apiKey",
      "HF_TOKEN",
      "db.password",
      "--secret",
    ]) {
      expect([name, isSecretFlag(name)]).toEqual([name, true]);
    }
  });

  test("that only look similar, or name a place or a number, are not", () => {
    for (const name of [
      ...["--max-num-batched-tokens", "--tokenizer", "--keep-alive", "--bypass", "--passive"],
      ...["--enable-prompt-tokens-details", "--api-key-env", "--ssl-key-file", "monkey"],
      ...["--prefix-token-count", "prefixTokenCount"],
    ]) {
      expect([name, isSecretFlag(name)]).toEqual([name, false]);
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
    expect(mask("--token --verbose")).toBe("--token --verbose");
  });

  test("that are masked stay unchanged", () => {
    const once = mask("--api-key abc --hf-token=x -- y KEY=z");
    expect(mask(once)).toBe(once);
  });
});

test("facts are masked in their command lines and by their names", () => {
  expect(
    maskFacts({
      workers: [{ command: ["vllm", "--api-key", "abc"], version: "1" }],
      apiKey: "abc",
      maxTokens: "8",
      count: 3,
    }),
  ).toEqual({
    workers: [{ command: ["vllm", "--api-key", "***"], version: "1" }],
    apiKey: "***",
    maxTokens: "8",
    count: 3,
  });
});
