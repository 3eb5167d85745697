import { describe, expect, test } from "bun:test";
import { FIRST_TOKEN_ID, LAST_TOKEN_ID, fillTokens } from "../../../core/prompt/tokens.ts";
import type { Segment } from "../../../core/contract/request.ts";

function tokens(prompt: readonly Segment[], seed = 0): number[] {
  const out = new Uint32Array(prompt.reduce((sum, segment) => sum + segment.tokens, 0));
  expect(fillTokens(seed, prompt, out)).toBe(out.length);
  return [...out];
}

const shared = (a: readonly number[], b: readonly number[]): number => {
  const first = a.findIndex((id, i) => id !== b[i]);
  return first === -1 ? a.length : first;
};

describe("fillTokens", () => {
  test("is the same everywhere: ids are fixed by seed, content and position", () => {
    // Not computed independently: pins the function, because results must repeat across versions.
    expect(tokens([{ content: 0, tokens: 4 }])).toEqual(PINNED);
    expect(tokens([{ content: 7, tokens: 3 }], 1)).not.toEqual(tokens([{ content: 7, tokens: 3 }]));
  });

  test("two prompts share exactly what their leading segments share", () => {
    const long = tokens([
      { content: 1, tokens: 500 },
      { content: 2, tokens: 100 },
    ]);
    const cut = tokens([
      { content: 1, tokens: 300 },
      { content: 3, tokens: 300 },
    ]);
    const same = tokens([
      { content: 1, tokens: 500 },
      { content: 4, tokens: 100 },
    ]);
    expect(shared(long, cut)).toBe(300);
    expect(shared(long, same)).toBe(500);
  });

  test("a content has the same tokens at every position", () => {
    const alone = tokens([{ content: 9, tokens: 50 }]);
    expect(
      tokens([
        { content: 1, tokens: 10 },
        { content: 9, tokens: 50 },
      ]).slice(10),
    ).toEqual(alone);
  });

  test("contents far apart, negative, or of an answer are all different", () => {
    const prompts: Segment[] = [
      { content: 1, tokens: 64 },
      { content: -1, tokens: 64 },
      { content: 1 + 2 ** 32, tokens: 64 },
      { content: 2 ** 52, tokens: 64 },
      { answerOf: 1, tokens: 64 },
    ];
    const starts = prompts.map((segment) => tokens([segment]).join());
    expect(new Set(starts).size).toBe(prompts.length);
  });

  test("ten thousand contents start with different tokens", () => {
    // Four ids of 30,000 values: a pair by chance in 10,000 has probability 10^8 / 2 / 30,000^4 < 10^-10.
    const starts = new Set<string>();
    for (let content = 0; content < 10_000; content += 1) {
      starts.add(tokens([{ content, tokens: 4 }]).join());
    }
    expect(starts.size).toBe(10_000);
  });

  test("ids fill their range evenly", () => {
    const ids = tokens([{ content: 5, tokens: 300_000 }]);
    const bins = new Float64Array(30);
    for (const id of ids) {
      expect(id >= FIRST_TOKEN_ID && id <= LAST_TOKEN_ID).toBe(true);
      bins[Math.floor((id - FIRST_TOKEN_ID) / 1000)]! += 1;
    }
    // Chi-square with 29 degrees of freedom: above 58 in one of 1,000 draws.
    const chiSquare = bins.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(58);
  });

  test("refuses an array that is too short", () => {
    expect(() => fillTokens(0, [{ content: 0, tokens: 5 }], new Uint32Array(4))).toThrow(
      "does not fit",
    );
  });
});

const PINNED = [26632, 20314, 19899, 1328];

test("an answer has the tokens that were received, and generated ones in place of missing ones", () => {
  const prompt = [
    { content: 1, tokens: 2 },
    { answerOf: 0, tokens: 4 },
    { answerOf: 9, tokens: 2 },
  ];
  const plain = new Uint32Array(8);
  fillTokens(5, prompt, plain);
  const filled = new Uint32Array(8);
  const answers = {
    tokensOf: (request: number) => (request === 0 ? Uint32Array.of(50_000, 7, 8) : undefined),
  };
  expect(fillTokens(5, prompt, filled, answers)).toBe(8);
  expect([...filled]).toEqual([...plain.subarray(0, 2), 50_000, 7, 8, ...plain.subarray(5)]);
  const longer = { tokensOf: () => new Uint32Array(100).fill(3) };
  fillTokens(5, prompt, filled, longer);
  expect([...filled]).toEqual([...plain.subarray(0, 2), 3, 3, 3, 3, 3, 3]);
});
