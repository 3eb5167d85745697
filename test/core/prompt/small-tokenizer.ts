/**
 * Tokenizers of real kinds with a small, made-up vocabulary: every three-letter word of consonant,
 * vowel, consonant is one token (20 × 5 × 20 = 2,000 words), by merges as in a trained BPE. `llama2`
 * has spaces as "▁", one before every text, and no pre-tokenizer; `llama3` has bytes, words cut by a
 * pattern, and another token for a word at the start of a text.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type SmallKind = "llama2" | "llama3";

const CONSONANTS = [..."bcdfghjklmnpqrstvwxz"];
const VOWELS = [..."aeiou"];

/** As Llama 3's: the template adds a role before each message and an end after it. */
const CHAT_TEMPLATE =
  "{{ bos_token }}{% for message in messages %}<user>{{ message['content'] | trim }}</s>{% endfor %}" +
  "{% if add_generation_prompt %}<assistant>{% endif %}";

export function smallTokenizer(kind: SmallKind): {
  json: Record<string, unknown>;
  config: Record<string, unknown>;
} {
  const space = kind === "llama2" ? "▁" : "Ġ";
  const { vocab, merges } = vocabulary(space);
  const special = ["<unk>", "<s>", "</s>", "<user>", "<assistant>"];
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const byteLevel = { add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    json: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: special.map((content, id) => ({ id, content, ...flags, special: true })),
      normalizer:
        kind === "llama2"
          ? {
              type: "Sequence",
              normalizers: [
                { type: "Prepend", prepend: space },
                { type: "Replace", pattern: { String: " " }, content: space },
              ],
            }
          : null,
      pre_tokenizer:
        kind === "llama2"
          ? null
          : {
              type: "Sequence",
              pretokenizers: [
                {
                  type: "Split",
                  pattern: {
                    Regex: "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+|.",
                  },
                  behavior: "Isolated",
                  invert: false,
                },
                { type: "ByteLevel", ...byteLevel },
              ],
            },
      post_processor: {
        type: "TemplateProcessing",
        single: [
          { SpecialToken: { id: "<s>", type_id: 0 } },
          { Sequence: { id: "A", type_id: 0 } },
        ],
        pair: [],
        special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
      },
      decoder:
        kind === "llama2"
          ? {
              type: "Sequence",
              decoders: [
                { type: "Replace", pattern: { String: space }, content: " " },
                { type: "Fuse" },
                { type: "Strip", content: " ", start: 1, stop: 0 },
              ],
            }
          : { type: "ByteLevel", ...byteLevel },
      model: {
        type: "BPE",
        unk_token: "<unk>",
        fuse_unk: false,
        byte_fallback: false,
        vocab,
        merges,
      },
    },
    config: {
      bos_token: "<s>",
      eos_token: "</s>",
      unk_token: "<unk>",
      chat_template: CHAT_TEMPLATE,
    },
  };
}

/** Writes it as the folder of a model. */
export function writeSmallTokenizer(folder: string, kind: SmallKind): void {
  const { json, config } = smallTokenizer(kind);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(json));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
}

/** Syllables, words and words after a space, in the order in which they are merged. */
function vocabulary(space: string): { vocab: Record<string, number>; merges: string[] } {
  const letters = [
    space,
    ..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'<>/-",
  ];
  const syllables = CONSONANTS.flatMap((c) => VOWELS.map((v) => [c, v] as const));
  const words = syllables.flatMap(([c, v]) => CONSONANTS.map((end) => [c + v, end] as const));
  const spaced = words.map(([start, end]) => [space, start + end] as const);
  const pairs = [...syllables, ...words, ...spaced];
  const tokens = ["<unk>", "<s>", "</s>", "<user>", "<assistant>", ...letters];
  tokens.push(...pairs.map(([a, b]) => a + b));
  return {
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges: pairs.map(([a, b]) => `${a} ${b}`),
  };
}
