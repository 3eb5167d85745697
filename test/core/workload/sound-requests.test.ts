import { describe, expect, test } from "bun:test";
import type { RequestSpec } from "dynbench";
import { requestFault, soundRequests } from "../../../core/workload/sound-requests.ts";

const sound: RequestSpec = { index: 3, prompt: [{ content: 0, tokens: 64 }], isl: 64, osl: 2 };

describe("a request", () => {
  const answer = { answerOf: 2, tokens: 10 };
  test.each<[string, RequestSpec]>([
    ["alone", sound],
    ["with a time", { ...sound, atNs: 0 }],
    ["that follows", { ...sound, after: { request: 2, thinkMs: 0.5 } }],
    ["with an answer", { ...sound, prompt: [...sound.prompt, answer], isl: 74 }],
  ])("%s is sound", (_, spec) => expect(requestFault(spec, 3)).toBeUndefined());

  const prompt = (tokens: number, content = 0) => ({ prompt: [{ content, tokens }], isl: tokens });
  test.each<[string, Partial<RequestSpec>]>([
    ["has the index 2", { index: 2 }],
    ["has 0 prompt tokens", { prompt: [], isl: 0 }],
    ["has 64.5 prompt tokens", prompt(64.5)],
    ["has 100 prompt tokens, and segments of 64 together", { isl: 100 }],
    ["has a segment of -4 tokens", { prompt: [{ content: 0, tokens: -4 }] }],
    ["has a segment of content -1", prompt(64, -1)],
    ["has a segment of content 0.5", prompt(64, 0.5)],
    ["asks for 0 output tokens", { osl: 0 }],
    ["asks for NaN output tokens", { osl: NaN }],
    ["asks for 1000000000000 output tokens", { osl: 1e12 }],
    ["is due at NaN ns", { atNs: NaN }],
    ["is due at -1 ns", { atNs: -1 }],
    ["waits for request 3, which is not earlier", { after: { request: 3, thinkMs: 0 } }],
    ["waits for Infinity ms", { after: { request: 0, thinkMs: Infinity } }],
    [
      "holds the answer of request 5, which is not earlier",
      { prompt: [...sound.prompt, { ...answer, answerOf: 5 }], isl: 74 },
    ],
  ])("that %s is not", (words, faults) =>
    expect(requestFault({ ...sound, ...faults }, 3)).toBe(words),
  );
});

describe("requests", () => {
  const specs = [0, 1, 1].map((index) => ({ ...sound, index }));
  const words = 'Request 2 of workload "mine" has the index 1';
  test("are passed on until one is faulty", () => {
    const seen: RequestSpec[] = [];
    const draw = () => {
      for (const spec of soundRequests(specs, "mine") as Iterable<RequestSpec>) seen.push(spec);
    };
    expect(draw).toThrow(words);
    expect(seen).toEqual(specs.slice(0, 2));
  });

  test("of an async source are checked as they arrive", async () => {
    async function* later() {
      yield* specs;
    }
    const draw = async () => {
      for await (const _ of soundRequests(later(), "mine"));
    };
    await expect(draw()).rejects.toThrow(words);
  });
});

test("a workload that never ends is stopped", () => {
  function* endless(): Generator<RequestSpec> {
    for (let index = 0; ; index += 1) yield { ...sound, index };
  }
  const requests = soundRequests(endless(), "mine", 1000) as Iterable<RequestSpec>;
  expect(() => [...requests]).toThrow('Workload "mine" has more than 1,000 requests');
});
