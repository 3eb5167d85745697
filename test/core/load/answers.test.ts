import { describe, expect, test } from "bun:test";
import { answerIn, Answers } from "../../../core/load/answers.ts";

const events = (...chunks: (object | string)[]): Uint8Array[] =>
  chunks.map((chunk) => Buffer.from(typeof chunk === "string" ? chunk : JSON.stringify(chunk)));
const piece = (text: string, ids?: number[]): object => ({
  choices: [{ text, token_ids: ids ?? null }],
});

describe("an answer", () => {
  test("is its events' text, of completions and of chats", () => {
    const chat = [{ delta: { role: "assistant", content: "" } }, { delta: { content: "a b" } }];
    expect(answerIn(events(piece("a"), piece(" b"), "[DONE]")).text).toBe("a b");
    expect(answerIn(events(...chat.map((choice) => ({ choices: [choice] })))).text).toBe("a b");
  });

  test("has token ids only where every event with text has them", () => {
    const ids = (...chunks: object[]) => answerIn(events(...chunks)).tokenIds;
    expect(ids(piece("a", [7]), piece("", [8, 9]), { usage: {} })).toEqual(Uint32Array.of(7, 8, 9));
    expect(ids(piece("a", [7]), piece("b"))).toBeUndefined();
    expect(ids(piece("", []))).toBeUndefined();
  });

  test("with parts of other types is what can be read of it", () => {
    const odd = [
      ...[{ choices: [null] }, { choices: null }, { choices: 5 }, null, { choices: [{ text: 5 }] }],
      ...[{ choices: [{ delta: 1 }] }, { choices: [{ text: "b", token_ids: 7 }] }],
    ];
    expect(answerIn(events(piece("a", [7]), ...odd.map((each) => JSON.stringify(each))))).toEqual({
      text: "ab",
      tokenIds: undefined,
    });
    expect(answerIn(events(piece("", [-1]))).tokenIds).toBeUndefined();
    const many = Array.from({ length: 500_000 }, () => 1);
    expect(answerIn(events(piece("a", many))).tokenIds).toHaveLength(500_000);
  });

  test("is kept as the server's ids, or else as those of its text", () => {
    const answers = new Answers((text) => Uint32Array.from(text, (letter) => letter.charCodeAt(0)));
    answers.keep(3, events(piece("a", [7])));
    answers.keep(4, events(piece("ab")));
    expect(answers.tokensOf(3)).toEqual(Uint32Array.of(7));
    expect(answers.tokensOf(4)).toEqual(Uint32Array.of(97, 98));
    expect(answers.tokensOf(5)).toBeUndefined();
  });
});
