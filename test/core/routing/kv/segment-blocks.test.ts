import { describe, expect, test } from "bun:test";
import { prefixHash, SegmentBlocks } from "../../../../core/routing/kv/segment-blocks.ts";
import { randomStream } from "../../../../core/base/random.ts";
import type { Segment } from "../../../../core/contract/request.ts";

const content = (id: number, tokens: number): Segment => ({ content: id, tokens });
const islOf = (prompt: readonly Segment[]): number =>
  prompt.reduce((sum, segment) => sum + segment.tokens, 0);
const blocksOf = (blocks: SegmentBlocks, ...prompt: Segment[]): number[] => [
  ...blocks.blocksOf(prompt, islOf(prompt)),
];

describe("blocks of segments", () => {
  test("the same content gives the same blocks, a shorter cut its leading ones", () => {
    const blocks = new SegmentBlocks(4);
    expect(blocksOf(blocks, content(7, 13))).toEqual([0, 1, 2]);
    expect(blocksOf(blocks, content(7, 9))).toEqual([0, 1]);
    expect(blocksOf(blocks, content(7, 21))).toEqual([0, 1, 2, 3, 4]);
    expect(blocks.size).toBe(5);
  });

  test("the same content after another start is another block", () => {
    const blocks = new SegmentBlocks(4);
    expect(blocksOf(blocks, content(1, 4), content(2, 4))).toEqual([0, 1]);
    expect(blocksOf(blocks, content(3, 4), content(2, 4))).toEqual([2, 3]);
    expect(blocksOf(blocks, content(2, 4))).toEqual([4]);
  });

  test("a block that spans segments is shared only with the same pieces", () => {
    const blocks = new SegmentBlocks(4);
    expect(blocksOf(blocks, content(1, 6), content(2, 6))).toEqual([0, 1, 2]);
    expect(blocksOf(blocks, content(1, 6), content(2, 2))).toEqual([0, 1]);
    expect(blocksOf(blocks, content(1, 6), content(3, 6))).toEqual([0, 3, 4]);
    // Cut at 5 instead of 6: the second block has other tokens at positions 5 to 7.
    expect(blocksOf(blocks, content(1, 5), content(2, 7))).toEqual([0, 5, 6]);
    // Uncut, the second block is all of content 1.
    expect(blocksOf(blocks, content(1, 8))).toEqual([0, 7]);
  });

  test("a content repeated after itself starts again from its own start", () => {
    const blocks = new SegmentBlocks(4);
    const once = blocksOf(blocks, content(1, 8));
    const twice = blocksOf(blocks, content(1, 4), content(1, 4));
    expect(once).toEqual([0, 1]);
    expect(twice).toEqual([0, 2]);
  });

  test("an answer is not the content of the same number", () => {
    const blocks = new SegmentBlocks(4);
    expect(blocksOf(blocks, { answerOf: 5, tokens: 4 })).toEqual([0]);
    expect(blocksOf(blocks, content(5, 4))).toEqual([1]);
    expect(blocksOf(blocks, { answerOf: 5, tokens: 8 })).toEqual([0, 2]);
    expect(blocksOf(blocks, content(-5, 4))).toEqual([3]);
  });

  test("segments without tokens change nothing", () => {
    const blocks = new SegmentBlocks(4);
    expect(blocksOf(blocks, content(1, 4), content(9, 0), content(2, 4))).toEqual([0, 1]);
    expect(blocksOf(blocks, content(1, 4), content(2, 4))).toEqual([0, 1]);
    expect(blocksOf(blocks)).toEqual([]);
  });

  test("a request's answer has the blocks that it has in a later prompt, but for its last token", () => {
    const random = randomStream(0, "after");
    for (let round = 0; round < 300; round += 1) {
      const blocks = new SegmentBlocks(1 + random.int(9));
      const prompt = Array.from({ length: random.int(4) }, () =>
        content(random.int(3), random.int(30)),
      );
      const answer: Segment = { answerOf: 1, tokens: random.int(40) };
      const isl = islOf(prompt);
      const request = { index: 1, prompt, isl, osl: answer.tokens + 1 };
      const cut = blocks.ofRequest(request);
      blocksOf(blocks, content(9, random.int(50))); // others in between change nothing
      const whole = blocks.blocksOf([...prompt, answer], isl + answer.tokens);
      expect([...cut.blocks, ...cut.answerBlocks]).toEqual([...whole]);
      expect(blocks.ofRequest(request)).toEqual(cut);
      expect(blocks.ofRequest({ ...request, osl: 0 })).toMatchObject({ blocks: cut.blocks, isl });
    }
  });

  test("an isl that is not the sum of the segments is a fault", () => {
    expect(() => new SegmentBlocks(4).blocksOf([content(1, 9)], 8)).toThrow("9 tokens, not 8");
  });

  test("random prompts agree with token-by-token string keys", () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const random = randomStream(seed, "segment-blocks");
      const blockSize = 1 + random.int(9);
      const blocks = new SegmentBlocks(blockSize);
      const idOfKey = new Map<string, number>();
      const keyOfId = new Map<number, string>();
      for (let prompt = 0; prompt < 120; prompt += 1) {
        const segments = Array.from({ length: 1 + random.int(5) }, (): Segment => {
          const tokens = random.int(3 * blockSize + 2);
          const id = random.int(3) - 1;
          return random.int(4) === 0 ? { answerOf: id + 1, tokens } : { content: id, tokens };
        });
        const ids = blocks.blocksOf(segments, islOf(segments));
        const keys = naiveKeys(segments, blockSize);
        expect(ids.length).toBe(keys.length);
        keys.forEach((key, index) => {
          const id = ids[index]!;
          expect({ seed, id: idOfKey.get(key) ?? id }).toEqual({ seed, id });
          expect({ seed, key: keyOfId.get(id) ?? key }).toEqual({ seed, key });
          idOfKey.set(key, id);
          keyOfId.set(id, key);
        });
      }
      expect(blocks.size).toBe(Math.max(...idOfKey.values()) + 1);
    }
  });
});

describe("hash of a prefix", () => {
  const range = { tokens: 10, blockSize: 4 };

  test("depends on the first whole blocks alone", () => {
    const hash = prefixHash([content(1, 8), content(2, 8)], range);
    expect(prefixHash([content(1, 8), content(3, 99)], range)).toBe(hash);
    expect(prefixHash([content(1, 30)], range)).toBe(hash);
    expect(prefixHash([content(1, 7), content(3, 99)], range)).not.toBe(hash);
    expect(prefixHash([content(2, 8), content(1, 8)], range)).not.toBe(hash);
  });

  test("a prompt below one block counts whole", () => {
    expect(prefixHash([content(1, 3)], range)).toBe(prefixHash([content(1, 3)], range));
    expect(prefixHash([content(1, 3)], range)).not.toBe(prefixHash([content(1, 2)], range));
    expect(prefixHash([content(1, 3)], range)).not.toBe(prefixHash([content(2, 3)], range));
  });
});

/** Every token as `content:position`; block k is everything up to its end. */
function naiveKeys(prompt: readonly Segment[], blockSize: number): string[] {
  const tokens = prompt.flatMap((segment) =>
    Array.from({ length: segment.tokens }, (_, position) =>
      "answerOf" in segment
        ? `a${segment.answerOf}:${position}`
        : `c${segment.content}:${position}`,
    ),
  );
  return Array.from({ length: Math.floor(tokens.length / blockSize) }, (_, block) =>
    tokens.slice(0, (block + 1) * blockSize).join(" "),
  );
}
