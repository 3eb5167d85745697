import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer as HfTokenizer } from "@huggingface/tokenizers";
import { blockHashes, hashBlocks } from "../../../core/routing/kv/block-hash.ts";
import { requestBody } from "../../../core/prompt/body.ts";
import { modelTokenizer } from "../../../core/prompt/model-tokenizer.ts";
import {
  chosenTokenizer,
  openTokenizer,
  promptTokenizer,
} from "../../../core/prompt/open-tokenizer.ts";
import type { Tokenizer } from "../../../core/prompt/tokenizer.ts";
import { fillTokens } from "../../../core/prompt/tokens.ts";
import { wordText } from "../../../core/prompt/word-table.ts";
import { WORD_TOKENIZER } from "../../../core/prompt/word-tokenizer.ts";
import type { Segment } from "../../../core/contract/request.ts";
import { smallTokenizer, writeSmallTokenizer } from "./small-tokenizer.ts";

const folder = mkdtempSync(join(tmpdir(), "dynbench-tokenizer-"));
afterAll(() => rmSync(folder, { recursive: true }));

const TINY_LLAMA = join(import.meta.dir, "../../../../shared/data/models/TinyLlama_v1.1");
const hasTinyLlama = existsSync(TINY_LLAMA);

const ODD = [
  "",
  " ",
  "a",
  "bab cec",
  "  Bab, cec!  dod\n\nfuf 12345 <s> gag </s>x  ",
  "bab cec<user>dod fuf  gag",
  "don't stop. Bab9 hat'x jij- kuk/lal <unk> 9 bab",
  "bab cec dodo fufu gagagagag hahaha",
  `${"x".repeat(500)} bab cec ${"y z ".repeat(200)}`,
];

/** A prompt's text in the body that the load sends. */
function textOf(tokenizer: Tokenizer, prompt: readonly Segment[], form: "text" | "chat"): any {
  const isl = prompt.reduce((sum, { tokens }) => sum + tokens, 0);
  const tokens = new Uint32Array(isl);
  fillTokens(7, prompt, tokens);
  const { body } = requestBody({ form, model: "m", tokens, tokenizer, osl: 1, extra: {} });
  return JSON.parse(Buffer.from(body).toString());
}

/** Requirements for any tokenizer; `reference` is the library without the memory of pieces. */
function holds(open: () => Promise<{ tokenizer: Tokenizer; reference: HfTokenizer }>): void {
  test("encodes as the library does, whatever the text", async () => {
    const { tokenizer, reference } = await open();
    for (const text of ODD) {
      for (let round = 0; round < 2; round += 1) {
        expect([...tokenizer.encode(text)]).toEqual(reference.encode(text).ids);
      }
    }
  });

  test("prompts have exactly their length when they are tokenised again", async () => {
    const { tokenizer, reference } = await open();
    for (const tokens of [2, 3, 64, 1_000, 14_000]) {
      const { prompt } = textOf(tokenizer, [{ content: tokens, tokens }], "text");
      expect(reference.encode(prompt).ids.length).toBe(tokens);
      expect(tokenizer.encode(prompt).length).toBe(tokens);
    }
  });

  test("prompts share exactly the blocks that their segments share", async () => {
    const { tokenizer } = await open();
    const shared = { content: 1, tokens: 640 };
    const hashes = [5, 6].map((content) => {
      const { prompt } = textOf(tokenizer, [shared, { content, tokens: 360 }], "text");
      const out = blockHashes(0);
      const count = hashBlocks(tokenizer.encode(prompt), 64, out);
      return Array.from({ length: count }, (_, i) => `${out.high[i]} ${out.low[i]}`);
    });
    expect(hashes[0]).toHaveLength(15);
    // 640 tokens are ten blocks, and the tokenizer's own first token is among them.
    const equal = hashes[0]!.map((hash, i) => hash === hashes[1]![i]);
    expect(equal).toEqual(Array.from({ length: 15 }, (_, i) => i < 10));
  });
}

for (const kind of ["llama2", "llama3"] as const) {
  describe(`a small tokenizer of the kind of ${kind}`, () => {
    const { json, config } = smallTokenizer(kind);
    const tokenizer = modelTokenizer(json, config);
    holds(async () => ({ tokenizer, reference: new HfTokenizer(json, config) }));

    test("all its words can be used, after its own first token", () => {
      expect(tokenizer.words.count).toBe(2_000); // 20 × 5 × 20
      expect(new Set(tokenizer.wordIds).size).toBe(2_000);
      expect(tokenizer.textOverhead).toBe(1);
      // The bos token, <user>, </s> and <assistant>.
      expect(tokenizer.chatOverhead).toBe(4);
      const [first, second] = tokenizer.wordIds;
      expect(tokenizer.decode([first!, second!]).trim()).toBe("bab bac");
    });

    test("a chat has exactly its length in the template", () => {
      for (const tokens of [5, 6, 500]) {
        for (let content = 0; content < 40; content += 1) {
          const { messages } = textOf(tokenizer, [{ content, tokens }], "chat");
          expect(tokenizer.encodeChat(messages).length).toBe(tokens);
        }
      }
      expect(() => textOf(tokenizer, [{ content: 3, tokens: 4 }], "chat")).toThrow(
        "Cannot make a chat prompt of 4 tokens: the tokenizer adds 4 of its own",
      );
    });
  });
}

describe.skipIf(!hasTinyLlama)(
  "TinyLlama's tokenizer (skipped where ../shared/data/models is not beside the checkout)",
  () => {
    holds(async () => ({
      tokenizer: await openTokenizer(TINY_LLAMA),
      reference: new HfTokenizer(
        await Bun.file(join(TINY_LLAMA, "tokenizer.json")).json(),
        await Bun.file(join(TINY_LLAMA, "tokenizer_config.json")).json(),
      ),
    }));

    test("has no chat template, and reports it", async () => {
      await expect(promptTokenizer(TINY_LLAMA, "chat")).rejects.toThrow("no usable chat template");
      expect((await promptTokenizer(TINY_LLAMA, "text")).textOverhead).toBe(1);
    });
  },
);

test("text has all its tokens as words where the server adds no first token", async () => {
  const bare = join(folder, "bare");
  writeSmallTokenizer(bare, "llama2");
  const tokenizer = await promptTokenizer(bare, "text", true);
  const { prompt } = textOf(tokenizer, [{ content: 1, tokens: 50 }], "text");
  expect(prompt.split(" ")).toHaveLength(50);
  expect((await promptTokenizer(bare, "text")).textOverhead).toBe(1);
});

describe("folders", () => {
  test("the tokenizer is that of the named folder, else of the model's, else the built-in one", async () => {
    const model = join(folder, "model");
    writeSmallTokenizer(model, "llama3");
    expect(await chosenTokenizer(undefined, "org/name")).toBeUndefined();
    expect(await chosenTokenizer(undefined, model)).toBe(model);
    expect(await chosenTokenizer(model, "org/name")).toBe(model);
    await expect(chosenTokenizer("nowhere", undefined)).rejects.toThrow(
      'Cannot use tokenizer "nowhere": no tokenizer.json there',
    );
    expect(await openTokenizer(undefined)).toBe(WORD_TOKENIZER);
    // Ids need no tokenizer, so a folder that has none does no harm.
    expect(await promptTokenizer("nowhere", "ids")).toBe(WORD_TOKENIZER);
  });

  test("a chat template may be a file of its own", async () => {
    const split = join(folder, "split");
    writeSmallTokenizer(split, "llama2");
    const { chat_template: template, ...config } = smallTokenizer("llama2").config;
    writeFileSync(join(split, "tokenizer_config.json"), JSON.stringify(config));
    writeFileSync(join(split, "chat_template.jinja"), String(template));
    expect((await promptTokenizer(split, "chat")).chatOverhead).toBe(4);
  });

  test("unreadable and unusable files are reported with the folder", async () => {
    const broken = join(folder, "broken");
    writeSmallTokenizer(broken, "llama2");
    writeFileSync(join(broken, "tokenizer.json"), '{"model":');
    await expect(openTokenizer(broken)).rejects.toThrow(`Cannot read the tokenizer in "${broken}"`);
    const badTemplate = join(folder, "bad-template");
    writeSmallTokenizer(badTemplate, "llama2");
    writeFileSync(join(badTemplate, "tokenizer_config.json"), '{"chat_template":"{% if %}"}');
    await expect(promptTokenizer(badTemplate, "chat")).rejects.toThrow("Cannot make chats for");
  });

  test("a vocabulary of too few words makes no prompts", () => {
    const { json, config } = smallTokenizer("llama2");
    const few = { ...json, model: { ...(json["model"] as object), merges: [] } };
    expect(() => modelTokenizer(few, config).words).toThrow("only 0 words are one token each");
    // Ids may have holes: then there are fewer tokens than ids.
    const vocab = { "<unk>": 0, "<s>": 1, "▁": 40, a: 41 };
    const holes = { ...json, model: { ...(json["model"] as object), merges: [], vocab } };
    expect(() => modelTokenizer(holes, config).words).toThrow("only 0 words are one token each");
  });

  test("a word with more tokens after a line break than after a space is not used", () => {
    // "bab" is merged only behind its space, from "▁ba" and "b".
    const { json, config } = smallTokenizer("llama2");
    const { vocab, merges } = json["model"] as { vocab: Record<string, number>; merges: string[] };
    const { bab: _, ...rest } = vocab;
    const kept = merges.filter((merge) => merge !== "ba b" && merge !== "▁ bab");
    const model = {
      ...(json["model"] as object),
      vocab: { ...rest, "▁ba": Object.keys(vocab).length },
      merges: [...kept, "▁ ba", "▁ba b"],
    };
    const { words } = modelTokenizer({ ...json, model }, config);
    const texts = Array.from({ length: words.count }, (_, i) => wordText(words, i));
    expect(["bab", "bac", "ba"].map((text) => texts.includes(text))).toEqual([false, true, true]);
  });

  test("a template that does not add the same to every message is not used", () => {
    const { json, config } = smallTokenizer("llama2");
    const chat_template =
      "{% if messages[0]['content'] | length > 10 %}<user>{% endif %}{{ messages[0]['content'] }}";
    expect(modelTokenizer(json, { ...config, chat_template }).chatOverhead).toBeUndefined();
  });
});
