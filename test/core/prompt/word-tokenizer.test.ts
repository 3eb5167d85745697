import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CHAT_OVERHEAD_TOKENS,
  CHAT_TEMPLATE,
  VOCABULARY_SIZE,
  decode,
  encode,
  encodeChat,
  renderChat,
  wordOf,
  writeModelFolder,
} from "../../../core/prompt/word-tokenizer.ts";

const every = Uint32Array.from({ length: VOCABULARY_SIZE }, (_, id) => id);

describe("word tokenizer", () => {
  test("encodes what it decoded, for every id", () => {
    expect(encode(decode(every))).toEqual(every);
  });

  test("each id has its own word, of five letters from 1000 on", () => {
    const words = Array.from(every, wordOf);
    expect(new Set(words).size).toBe(VOCABULARY_SIZE);
    expect(words.slice(1000).every((word) => /^[a-z]{5}$/.test(word))).toBe(true);
    // Syllables count like digits: 1000 is the first of each, 30,999 the last.
    expect([wordOf(1000), wordOf(1001), wordOf(1100), wordOf(11_000), wordOf(30_999)]).toEqual([
      "baban",
      "baben",
      "beban",
      "babar",
      "ququs",
    ]);
  });

  test("accepts any white space, and encodes unknown words in pieces", () => {
    const piece = (...bytes: number[]): number =>
      31_000 + (bytes.reduce((sum, byte) => sum * 256 + byte, 0) % 97_213);
    const ascii = (text: string): number => piece(...text.split("").map((c) => c.charCodeAt(0)));
    expect([...encode("  baban\n\tbaben  nonsense Baban <r7> <r5000> <x> <unk> ")]).toEqual([
      ...[1000, 1001, ascii("nons"), ascii("ense"), ascii("Baba"), ascii("n"), 7],
      ...[ascii("<r50"), ascii("00>"), ascii("<x>"), 0],
    ]);
    expect(encode("").length).toBe(0);
    // Unicode's blanks part words too; letters beyond ASCII whose low bits are those of "baban" do not.
    expect([...encode("baban\u00a0baben\u3000bab\u00e1n babans baba")]).toEqual([
      ...[1000, 1001, piece(98, 97, 98, 0xc3), piece(0xa1, 110)],
      ...[ascii("baba"), ascii("ns"), ascii("baba")],
    ]);
    expect(decode([99_999])).toBe("<unk>");
  });

  test("any text can be encoded, and texts with equal prefixes have equal first tokens", () => {
    for (const text of ["\u4e2d\u6587", "\u{1f600}\u{1f600}", "a b \u4e2d", "\u4e2d".repeat(99)]) {
      const bytes = text.split(" ").map((word) => new TextEncoder().encode(word).length);
      const pieces = bytes.reduce((sum, length) => sum + Math.ceil(length / 4), 0);
      expect(encode(text).length).toBe(pieces);
      expect(encode(`${text} pears`).subarray(0, pieces)).toEqual(encode(text));
    }
    expect(encode("apple tree")).not.toEqual(encode("plums tree"));
  });

  test("the chat template adds a constant number of tokens", () => {
    for (const length of [1, 2, 500]) {
      const content = decode(every.subarray(1000, 1000 + length));
      expect(encodeChat([{ role: "user", content }]).length).toBe(length + CHAT_OVERHEAD_TOKENS);
    }
  });

  test("renders chats as its Jinja template does", () => {
    // Rendered with jinja2 3.1 from CHAT_TEMPLATE.
    const messages = [
      { role: "user", content: "baban babar" },
      { role: "assistant", content: "x" },
      { role: "user", content: "cabas" },
    ];
    expect(renderChat(messages)).toBe(
      "<s> <user> baban babar </s> <assistant> x </s> <user> cabas </s> <assistant>",
    );
  });

  test("writes a model folder that other programs read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dynbench-model-"));
    try {
      await writeModelFolder(join(folder, "model"));
      const read = (name: string) => Bun.file(join(folder, "model", name)).json();
      const tokenizer = await read("tokenizer.json");
      expect(Object.keys(tokenizer.model.vocab).length).toBe(VOCABULARY_SIZE);
      expect(tokenizer.model.vocab.baben).toBe(1001);
      expect((await read("tokenizer_config.json")).chat_template).toBe(CHAT_TEMPLATE);
      expect((await read("config.json")).vocab_size).toBe(VOCABULARY_SIZE);
      await expect(writeModelFolder(join(folder, "model", "config.json"))).rejects.toThrow(
        "Cannot write",
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
