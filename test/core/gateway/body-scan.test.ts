import { describe, expect, test } from "bun:test";
import { BodyScanner, type PromptField } from "../../../core/gateway/body-scan.ts";
import { randomStream, type RandomStream } from "../../../core/base/random.ts";

const scanner = new BodyScanner();
const encoder = new TextEncoder();

function scan(json: string, field: PromptField = "prompt") {
  const body = scanner.scan(encoder.encode(json), field);
  if (body === undefined) return undefined;
  const { prompt } = body;
  return {
    ...body,
    prompt: prompt.form === "ids" ? { form: "ids", ids: [...prompt.ids] } : prompt,
  };
}

/** The expected result of the scanner, computed with `JSON.parse` alone. */
function expected(json: string, field: PromptField) {
  const parsed = JSON.parse(json) as Record<string, unknown>;
  const number = (name: string): number | undefined =>
    typeof parsed[name] === "number" ? parsed[name] : undefined;
  return {
    model: typeof parsed["model"] === "string" ? parsed["model"] : undefined,
    stream: parsed["stream"] === true,
    maxTokens: number("max_tokens") ?? number("max_completion_tokens"),
    priority: number("priority") ?? 0,
    prompt: expectedPrompt(parsed[field], field),
  };
}

function expectedPrompt(value: unknown, field: PromptField): unknown {
  if (field === "messages") {
    return Array.isArray(value) ? { form: "chat", messages: value } : { form: "other" };
  }
  if (typeof value === "string") return { form: "text", text: value };
  if (!Array.isArray(value)) return { form: "other" };
  if (value.length === 1 && (Array.isArray(value[0]) || typeof value[0] === "string")) {
    return expectedPrompt(value[0], field);
  }
  const areIds = value.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 32);
  return areIds ? { form: "ids", ids: value.map((id) => Number(id) + 0) } : { form: "other" };
}

describe("BodyScanner", () => {
  test("finds the fields of a usual completion request", () => {
    const json = JSON.stringify({
      model: "m/7b",
      prompt: [1, 23, 456, 7890, 12345, 123456, 4294967295],
      max_tokens: 200,
      stream: true,
      stream_options: { include_usage: true },
      priority: -2,
    });
    expect(scan(json)).toEqual({
      model: "m/7b",
      stream: true,
      maxTokens: 200,
      priority: -2,
      prompt: { form: "ids", ids: [1, 23, 456, 7890, 12345, 123456, 4294967295] },
    });
  });

  test("takes max_completion_tokens where max_tokens is missing or null, and messages for chat", () => {
    const json = `{"messages":[{"role":"user","content":"hi \\"x\\" ]}"}],"max_tokens":null,"max_completion_tokens":7}`;
    expect(scan(json, "messages")).toEqual({
      model: undefined,
      stream: false,
      maxTokens: 7,
      priority: 0,
      prompt: { form: "chat", messages: [{ role: "user", content: 'hi "x" ]}' }] },
    });
    expect(scan(json, "prompt")?.prompt).toEqual({ form: "other" });
  });

  test("is not misled by the same names inside strings, nested objects and values", () => {
    const json = `{"a":{"model":"inner","prompt":[9]},"b":"\\"model\\":\\"text\\"","c":["model",{"stream":true}],"model":"outer","d":"\\\\"}`;
    expect(scan(json)).toMatchObject({ model: "outer", stream: false, prompt: { form: "other" } });
  });

  test("reads escaped names and values, and lets the last of equal names win, as JSON.parse does", () => {
    expect(scan(`{"mo\\u0064el":"a"}`)?.model).toBe("a");
    expect(scan(`{"model":"\\u00e9\\n\\"é\\\\"}`)?.model).toBe('é\n"é\\');
    expect(scan(`{"model":"a","model":"b","prompt":[1],"prompt":"t"}`)).toMatchObject({
      model: "b",
      prompt: { form: "text", text: "t" },
    });
  });

  test("reads token ids in unusual notations, and refuses values that are not token ids", () => {
    const ids = (list: string): unknown => scan(`{"prompt":${list}}`)?.prompt;
    expect(ids("[ 1 ,\n2\t, 1e3, 5.0, 12345 ,123456 , 10000000,0]")).toEqual({
      form: "ids",
      ids: [1, 2, 1000, 5, 12345, 123456, 10000000, 0],
    });
    expect(ids("[]")).toEqual({ form: "ids", ids: [] });
    expect(ids("[[1234,5678]]")).toEqual({ form: "ids", ids: [1234, 5678] });
    for (const bad of ["[4294967296]", "[-1]", "[1.5]", "[1,null]", "[[1],[2]]", "{}", "null"]) {
      expect(ids(bad)).toEqual({ form: "other" });
    }
  });

  test("refuses bytes that are not a JSON object", () => {
    const broken = ["", " ", "[]", "1", '"x"', "null", '{"a":1,}', '{"a":1}}', "{,}", "{a:1}"];
    const brokenIds = ["[01]", "[1,]", "[,1]", "[1 2]", "[1234", "[12345,,1]", "[1.]"];
    for (const json of [...broken, ...brokenIds.map((list) => `{"prompt":${list}}`)]) {
      expect(scan(json)).toBeUndefined();
    }
  });

  test("never takes a body that was cut for a whole one, wherever the cut is", () => {
    const json =
      ` {"n":{"a":[{"]":"}"}],"b":1.5e-7},"model":"x\\"\\\\é", "prompt" : [1234, 5,12345,123456,0],` +
      `"stream":true,"max_tokens":12,"t":[true,false,null,"\\\\"]} `;
    const bytes = encoder.encode(json);
    expect(scan(json)).toEqual(expected(json, "prompt") as never);
    for (let cut = 0; cut < bytes.length - 1; cut += 1) {
      expect([cut, scanner.scan(bytes.subarray(0, cut), "prompt")]).toEqual([cut, undefined]);
    }
  });

  test("agrees with JSON.parse on random JSON", () => {
    for (let seed = 0; seed < 1500; seed += 1) {
      const random = randomStream(seed, "body-scan");
      const json = randomBody(random);
      const field = random.int(4) === 0 ? "messages" : "prompt";
      const body: unknown = scan(json, field);
      expect({ seed, body }).toEqual({
        seed,
        body: expected(json, field),
      });
    }
  });

  test("reads a prompt that is longer than its buffer", () => {
    const ids = Array.from({ length: 50_000 }, (_, i) => i % 7);
    expect(scan(JSON.stringify({ prompt: ids }))?.prompt).toEqual({ form: "ids", ids });
  });
});

const NAMES = ["model", "stream", "max_tokens", "max_completion_tokens", "priority", "prompt"];

function randomBody(random: RandomStream): string {
  const members: string[] = [];
  for (let n = random.int(8); n > 0; n -= 1) {
    const named = random.int(3) > 0;
    const name = named ? NAMES[random.int(NAMES.length)]! : randomText(random);
    const value =
      name === "prompt" && random.int(4) > 0 ? randomIds(random) : randomValue(random, 3);
    members.push(`${space(random)}${quoted(random, name)}${space(random)}:${value}`);
  }
  return `${space(random)}{${members.join(",")}${space(random)}}${space(random)}`;
}

function randomIds(random: RandomStream): string {
  const ids = Array.from({ length: random.int(12) }, () => {
    if (random.int(40) === 0)
      return ["1e2", "2.0", "-0", "1.5", "null", "99999999999"][random.int(6)]!;
    return `${random.int(10 ** (1 + random.int(9)))}`;
  });
  return `${space(random)}[${ids.map((id) => space(random) + id + space(random)).join(",") || space(random)}]`;
}

function randomValue(random: RandomStream, depth: number): string {
  const list = (item: () => string): string =>
    Array.from({ length: random.int(4) }, item).join(",") || space(random);
  const inner = (): string => randomValue(random, depth - 1);
  const member = (): string => `${quoted(random, randomText(random))}${space(random)}:${inner()}`;
  const kinds = [
    () => ["true", "false", "null"][random.int(3)]!,
    () => ["0", "-1", "1.5", "1e3", "-2.5E-3", "12345678"][random.int(6)]!,
    () => quoted(random, randomText(random)),
    () => `[${list(inner)}]`,
    () => `{${list(() => space(random) + member())}}`,
  ];
  return space(random) + kinds[random.int(depth === 0 ? 3 : 5)]!() + space(random);
}

function randomText(random: RandomStream): string {
  const pieces = ["a", '"', "\\", "{", "}", "[", "]", ",", ":", "é", "😀", "\n", "model", " "];
  return Array.from({ length: random.int(6) }, () => pieces[random.int(pieces.length)]!).join("");
}

/** A JSON string, sometimes with needless escapes. */
function quoted(random: RandomStream, text: string): string {
  const plain = JSON.stringify(text);
  return random.int(5) > 0
    ? plain
    : plain.replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

function space(random: RandomStream): string {
  return random.int(3) > 0 ? "" : [" ", "\n", "\t", "\r\n", "  "][random.int(5)]!;
}
