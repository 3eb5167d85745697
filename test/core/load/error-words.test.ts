import { describe, expect, test } from "bun:test";
import { errorWords } from "../../../core/load/error-words.ts";

describe("errorWords", () => {
  test.each([
    // vLLM 0.32, unknown model.
    [
      '{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","param":"model","code":404}}',
      "The model `x` does not exist.",
    ],
    // Dynamo 1.6.1.
    [
      '{"message":"`max_tokens` is required","type":"Bad Request","code":400}',
      "`max_tokens` is required",
    ],
    ['{"detail":"Not Found"}', "Not Found"],
    // FastAPI's validation errors.
    ['{"detail":[{"loc":["body"],"msg":"Field required"}]}', "Field required"],
    ['{"error":"no workers"}', "no workers"],
    ['{"error":{"code":7}}', '{"error":{"code":7}}'],
    ["plain\n  words\u001b[31m in red\u001b[0m\u0007", "plain words in red"],
    ["", "the server gave no reason"],
    [
      "<html><head><title>502 Bad Gateway</title><style>a{}</style></head><body><h1>nginx</h1></body></html>",
      "502 Bad Gateway: nginx",
    ],
    ['{"error":{"mess', '{"error":{"mess'],
  ])("%j", (body, words) => {
    expect(errorWords(Buffer.from(body))).toBe(words);
  });

  test("keeps at most 500 characters", () => {
    const words = errorWords(Buffer.from("x".repeat(600)));
    expect(words.length).toBe(500);
    expect(words.endsWith("…")).toBe(true);
  });
});
