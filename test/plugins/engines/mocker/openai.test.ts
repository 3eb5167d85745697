import { describe, expect, test } from "bun:test";
import { wordTokenizer } from "dynbench/engine";
import { ApiFault } from "../../../../plugins/engines/mocker/api-fault.ts";
import {
  chunkWriter,
  wholeAnswer,
  type Answer,
} from "../../../../plugins/engines/mocker/answer-format.ts";
import { parseGeneration } from "../../../../plugins/engines/mocker/openai.ts";
import { TokenSequences } from "../../../../plugins/engines/mocker/token-sequences.ts";

const tokenizer = wordTokenizer.WORD_TOKENIZER;
const serving = { model: "tiny", maxModelLen: 100, tokenizer };

describe("requests", () => {
  const completion = (body: unknown) => parseGeneration("completions", body, serving);
  const chat = (body: unknown) => parseGeneration("chat", body, serving);
  const messages = [{ role: "user", content: "baban baben" }];

  test("take ids, a batch of one, or text", () => {
    for (const prompt of [[1_000, 1_001], [[1_000, 1_001]], wordTokenizer.decode([1_000, 1_001])]) {
      expect([...completion({ prompt }).prompt]).toEqual([1_000, 1_001]);
    }
    expect([...completion({ prompt: ["baban"] }).prompt]).toEqual([1_000]);
  });

  test("have vLLM's defaults, and treat null as left out", () => {
    const nulls = { max_tokens: null, stream: null, stream_options: null, model: null, n: null };
    for (const extra of [{}, nulls]) {
      expect(completion({ prompt: [5], ...extra })).toMatchObject({
        osl: 16,
        stream: false,
        usage: "none",
        returnTokenIds: false,
      });
    }
  });

  test("ask for usage at the end, or in every chunk", () => {
    const usageOf = (options: object) =>
      completion({ prompt: [5], stream: true, stream_options: options }).usage;
    expect(usageOf({ include_usage: true })).toBe("final");
    expect(usageOf({ include_usage: true, continuous_usage_stats: true })).toBe("continuous");
    expect(usageOf({ include_usage: false, continuous_usage_stats: true })).toBe("none");
  });

  test("of a chat are rendered in the template, whose tokens count", () => {
    const { prompt, osl } = chat({ messages, max_completion_tokens: 7, max_tokens: 9 });
    expect(prompt.length).toBe(2 + wordTokenizer.CHAT_OVERHEAD_TOKENS);
    expect(osl).toBe(7);
    const parts = [{ role: "user", content: [{ type: "text", text: "baban baben" }] }];
    expect(chat({ messages: parts }).prompt).toEqual(prompt);
  });

  test("are cut at the context limit, silently as in vLLM", () => {
    expect(completion({ prompt: new Array(97).fill(5), max_tokens: 50 }).osl).toBe(3);
  });

  test("of a text far beyond the context are refused before it is tokenised", () => {
    const mustNot = {
      ...tokenizer,
      encode: () => expect.unreachable(),
      encodeChat: () => expect.unreachable(),
    };
    const long = "x".repeat(60_000);
    const at = { ...serving, tokenizer: mustNot };
    for (const prompt of [long, [long]]) {
      expect(() => parseGeneration("completions", { prompt }, at)).toThrow(
        "at least 118 input tokens",
      );
    }
    const chatLong = { messages: [{ role: "user", content: [{ text: long }] }] };
    expect(() => parseGeneration("chat", chatLong, at)).toThrow("at least 118 input tokens");
  });

  test("carry vLLM's priority, lower for earlier, which is higher here", () => {
    const priorityOf = (priority: unknown) => completion({ prompt: [5], priority }).priority;
    expect([-2, 0, 3, null, undefined].map(priorityOf)).toEqual([2, 0, -3, 0, 0]);
    expect(() => priorityOf("high")).toThrow(ApiFault);
    expect(chat({ messages, priority: -1 }).priority).toBe(1);
  });

  test("ignore fields they do not know", () => {
    const body = { prompt: [5], ignore_eos: true, min_tokens: 3, max_tokens: 3, whatever: {} };
    expect(completion(body).osl).toBe(3);
  });

  const refused: [name: string, body: unknown, status: number, message: string][] = [
    ["a model that is not served", { prompt: [5], model: "big" }, 404, "The model `big` does not"],
    ["an empty prompt", { prompt: [] }, 400, "The decoder prompt cannot be empty"],
    ["no prompt", {}, 400, "prompt: Field required"],
    ["a number for a prompt", { prompt: 7 }, 400, "prompt: expected a string or an array"],
    [
      "a prompt that fills the context",
      { prompt: new Array(100).fill(5) },
      400,
      "This model's maximum context length is 100 tokens. However, your prompt contains at least 100",
    ],
    ["an id beyond any vocabulary", { prompt: [128_256] }, 400, "Token id 128256 is out of voc"],
    ["a fraction among the ids", { prompt: [5, 5.5] }, 400, "prompt.1: Input should be a valid"],
    ["a negative id", { prompt: [-1] }, 400, "prompt.0: Input should be a valid"],
    ["two prompts", { prompt: [[5], [6]] }, 400, "one prompt a request"],
    ["no tokens to make", { prompt: [5], max_tokens: 0 }, 400, "must be at least 1, got 0"],
    ["a word for a number", { prompt: [5], max_tokens: "x" }, 400, "max_tokens: "],
    ["more at least than at most", { prompt: [5], min_tokens: 17 }, 400, "less than or equal to"],
    ["several answers", { prompt: [5], n: 2 }, 400, "n must be 1"],
    ["something that is no object", [5], 400, "body: "],
  ];
  for (const [name, body, status, message] of refused) {
    test(`refuse ${name}`, () => {
      const fault = faultOf(() => completion(body));
      expect(fault.status as number).toBe(status);
      expect(fault.message).toContain(message);
      expect(fault.toBody().error.code).toBe(status);
    });
  }

  test("of a chat refuse no messages", () => {
    expect(faultOf(() => chat({ messages: [] })).status).toBe(400);
    expect(faultOf(() => chat({})).toBody().error.param).toBe("messages");
  });
});

function faultOf(run: () => unknown): ApiFault {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiFault) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** Keys of an object and of the objects in it, with the type of each value. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, shapeOf(inner)]),
  );
}

// Chunks of a real vLLM 0.32.0 (CPU, /v1/completions, stream with include_usage).
const VLLM_FIRST =
  '{"id":"cmpl-1","object":"text_completion","created":1,"model":"tiny","choices":[{"index":0,"text":" One","logprobs":null,"finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}';
const VLLM_LAST =
  '{"id":"cmpl-1","object":"text_completion","created":1,"model":"tiny","choices":[{"index":0,"text":" lambda","logprobs":null,"finish_reason":"length","stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}';
const VLLM_USAGE =
  '{"id":"cmpl-1","object":"text_completion","created":1,"model":"tiny","choices":[],"usage":{"prompt_tokens":200,"total_tokens":216,"completion_tokens":16,"prompt_tokens_details":{"cached_tokens":192}},"system_fingerprint":"vllm-0.32.0-6d705fbc"}';

describe("answers", () => {
  const prompt = Uint32Array.of(1_000, 1_001, 1_002);
  const answerOf = (request: Answer["request"], osl = 3): Answer => ({
    id: "cmpl-1",
    created: 1,
    model: 'ti"ny',
    request,
    tokenizer,
    sequence: new TokenSequences({ blockSize: 4, seed: 1 }).make(prompt, osl),
  });
  const eventsOf = (answer: Answer, cuts: [from: number, count: number][]): string[] => {
    const writer = chunkWriter(answer);
    const text = cuts.map(([from, count]) => writer.events(from, count, 2)).join("");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    return text
      .split("\n\n")
      .slice(0, -2)
      .map((event) => event.slice("data: ".length));
  };
  const wordsOf = ({ sequence }: Answer): string =>
    wordTokenizer.decode(sequence.tokens.subarray(sequence.isl));

  test("stream in the shapes of a real vLLM", () => {
    const answer = answerOf({ endpoint: "completions", usage: "final", returnTokenIds: false });
    const events = eventsOf(answer, [
      [0, 1],
      [1, 1],
      [2, 1],
    ]).map((event) => JSON.parse(event));
    expect(events).toHaveLength(4);
    expect(shapeOf(events[0])).toEqual(shapeOf(JSON.parse(VLLM_FIRST)));
    expect(shapeOf(events[2])).toEqual(shapeOf(JSON.parse(VLLM_LAST)));
    expect(shapeOf(events[3])).toEqual(shapeOf(JSON.parse(VLLM_USAGE)));
    expect(events[3].usage).toEqual({
      prompt_tokens: 3,
      total_tokens: 6,
      completion_tokens: 3,
      prompt_tokens_details: { cached_tokens: 2 },
    });
    const text = events.slice(0, 3).map((event) => event.choices[0].text);
    expect(text.join("")).toBe(` ${wordsOf(answer)}`);
    expect(events[0].model).toBe('ti"ny');
  });

  test("are the same chunks however many tokens are reported at once", () => {
    const answer = answerOf({ endpoint: "completions", usage: "none", returnTokenIds: false });
    const oneByOne = eventsOf(answer, [
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(eventsOf(answer, [[0, 3]])).toEqual(oneByOne);
    expect(oneByOne).toHaveLength(3);
    expect(JSON.parse(oneByOne[2]!).system_fingerprint).toStartWith("vllm-");
  });

  test("carry token ids and running usage on request, the prompt's ids once", () => {
    const answer = answerOf({ endpoint: "completions", usage: "continuous", returnTokenIds: true });
    const events = eventsOf(answer, [[0, 3]]).map((event) => JSON.parse(event));
    const tokens = [...answer.sequence.tokens];
    expect(events[0].choices[0].prompt_token_ids).toEqual(tokens.slice(0, 3));
    expect(events[1].choices[0].prompt_token_ids).toBeNull();
    const made = events.slice(0, 3).flatMap((event) => event.choices[0].token_ids);
    expect(made).toEqual(tokens.slice(3));
    expect(events.map((event) => event.usage.completion_tokens)).toEqual([1, 2, 3, 3]);
  });

  test("of a chat open with the role, and their text has no space before it", () => {
    const answer = answerOf({ endpoint: "chat", usage: "none", returnTokenIds: false });
    const events = eventsOf(answer, [[0, 3]]).map((event) => JSON.parse(event));
    expect(events[0].choices[0].delta).toEqual({ role: "assistant", content: "" });
    const text = events.map((event) => event.choices[0].delta.content).join("");
    expect(text).toBe(wordsOf(answer));
    expect(events.at(-1).choices[0].finish_reason).toBe("length");
    expect(new Set(events.map((event) => event.object))).toEqual(
      new Set(["chat.completion.chunk"]),
    );
  });

  test("that do not stream have the same content in one piece", () => {
    const whole = answerOf({ endpoint: "completions", usage: "none", returnTokenIds: true });
    expect(wholeAnswer(whole, 2)).toMatchObject({
      object: "text_completion",
      choices: [
        {
          index: 0,
          text: ` ${wordsOf(whole)}`,
          finish_reason: "length",
          token_ids: [...whole.sequence.tokens.subarray(3)],
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
    });
    const chat = answerOf({ endpoint: "chat", usage: "none", returnTokenIds: false });
    expect(wholeAnswer(chat, 0)).toMatchObject({
      object: "chat.completion",
      choices: [{ message: { role: "assistant", content: wordsOf(chat) }, token_ids: null }],
    });
  });
});
