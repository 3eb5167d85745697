/**
 * A tokenizer of whole words, computed rather than stored: every id has one word and words are
 * joined by single spaces, so text of exactly n tokens is n words and sharing survives the way
 * through text. Mocker, gateway and prompts use it, and `writeModelFolder` writes it out as the
 * tokenizer.json that Dynamo's frontend and HF programs read.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DynbenchError } from "../errors.ts";
import { FIRST_TOKEN_ID, LAST_TOKEN_ID } from "./tokens.ts";

/** Ids are 0 to 30,999; text outside the vocabulary is `UNKNOWN_ID`. */
export const VOCABULARY_SIZE = LAST_TOKEN_ID + 1;

const SPECIAL_WORDS = ["<unk>", "<s>", "</s>", "<user>", "<assistant>"] as const;
export const UNKNOWN_ID = 0;

/** Tokens that the chat template puts around a single user message: `<s> <user> … </s> <assistant>`. */
export const CHAT_OVERHEAD_TOKENS = 4;

/** Each word is five letters, so a word and its space are six bytes. */
export const WORD_BYTES = 6;

const CONSONANTS = "bdfghjklmnprstvwyzcq";
const VOWELS = "aeiou";
const ENDINGS = "nrs";
const SYLLABLES = CONSONANTS.length * VOWELS.length;

/** Word of an id: `wordOf(1000)` is "baban". Ids beyond the vocabulary have the unknown word. */
export function wordOf(id: number): string {
  if (id < 0 || id >= VOCABULARY_SIZE) return SPECIAL_WORDS[UNKNOWN_ID];
  if (id < FIRST_TOKEN_ID) return SPECIAL_WORDS[id] ?? `<r${id}>`;
  const number = id - FIRST_TOKEN_ID;
  const last = Math.floor(number / SYLLABLES / SYLLABLES);
  return (
    syllable(Math.floor(number / SYLLABLES) % SYLLABLES) +
    syllable(number % SYLLABLES) +
    ENDINGS[last]!
  );
}

/** Ids of the words in a text; `encode(decode(ids))` gives the ids again. */
export function encode(text: string): Uint32Array {
  const words = text.split(/\s+/);
  const ids = new Uint32Array(words.length);
  let count = 0;
  for (const word of words) {
    if (word !== "") ids[count++] = idOf(word);
  }
  return ids.slice(0, count);
}

/** The words of ids, joined by single spaces. */
export function decode(ids: Iterable<number>): string {
  return Array.from(ids, wordOf).join(" ");
}

/** Ids of a chat as the template renders it; a single user message adds `CHAT_OVERHEAD_TOKENS`. */
export function encodeChat(messages: readonly { role: string; content: string }[]): Uint32Array {
  return encode(renderChat(messages));
}

/** What `CHAT_TEMPLATE` renders. */
export function renderChat(messages: readonly { role: string; content: string }[]): string {
  const turns = messages.map(({ role, content }) => {
    return role === "assistant" ? `<assistant> ${content} </s>` : `<user> ${content} </s>`;
  });
  return `<s> ${turns.join(" ")} <assistant>`;
}

/** Writes words of `ids`, with one space between, as bytes at `at`; returns the position after them. */
export function writeWords(ids: Uint32Array, out: Uint8Array, at: number): number {
  const table = wordTable();
  let position = at;
  for (const id of ids) {
    const from = (id - FIRST_TOKEN_ID) * WORD_BYTES;
    if (id < FIRST_TOKEN_ID || id > LAST_TOKEN_ID) throw new Error(`id ${id} has no prompt word`);
    out[position] = table[from]!;
    out[position + 1] = table[from + 1]!;
    out[position + 2] = table[from + 2]!;
    out[position + 3] = table[from + 3]!;
    out[position + 4] = table[from + 4]!;
    out[position + 5] = SPACE;
    position += WORD_BYTES;
  }
  return ids.length === 0 ? at : position - 1;
}

/** Jinja, as HF programs and Dynamo read it from tokenizer_config.json. */
export const CHAT_TEMPLATE =
  "<s>{% for message in messages %}" +
  "{% if message['role'] == 'assistant' %} <assistant> {% else %} <user> {% endif %}" +
  "{{ message['content'] }} </s>{% endfor %}" +
  "{% if add_generation_prompt %} <assistant>{% endif %}";

/** The tokenizer in HF's tokenizer.json form (tokenizers 0.22): WordLevel over whitespace. */
export function tokenizerJson(): Record<string, unknown> {
  const vocab: Record<string, number> = {};
  for (let id = 0; id < VOCABULARY_SIZE; id += 1) vocab[wordOf(id)] = id;
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_WORDS.map((content, id) => ({ id, content, ...flags, special: true })),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: null,
    model: { type: "WordLevel", vocab, unk_token: SPECIAL_WORDS[UNKNOWN_ID] },
  };
}

/** Writes tokenizer.json, tokenizer_config.json and config.json, a model without weights. */
export async function writeModelFolder(folder: string): Promise<void> {
  const files = {
    "tokenizer.json": tokenizerJson(),
    "tokenizer_config.json": TOKENIZER_CONFIG,
    "config.json": MODEL_CONFIG,
    "generation_config.json": { bos_token_id: 1, eos_token_id: 2 },
  };
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      await Bun.write(join(folder, name), JSON.stringify(content));
    }
  } catch (cause) {
    throw new DynbenchError("start", `Cannot write the model folder "${folder}": ${cause}`, {
      hint: "Choose a writable folder with --out",
      cause,
    });
  }
}

/** Longest prompt plus answer that the folder claims to take. */
const MAX_MODEL_LEN = 131_072;

const TOKENIZER_CONFIG = {
  tokenizer_class: "PreTrainedTokenizerFast",
  unk_token: "<unk>",
  bos_token: "<s>",
  eos_token: "</s>",
  add_bos_token: false,
  clean_up_tokenization_spaces: false,
  model_max_length: MAX_MODEL_LEN,
  chat_template: CHAT_TEMPLATE,
};

/** Sizes of Llama 3.1 8B, so that programs that compute KV sizes from it get a real model's. */
const MODEL_CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  hidden_act: "silu",
  max_position_embeddings: MAX_MODEL_LEN,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  bos_token_id: 1,
  eos_token_id: 2,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  vocab_size: VOCABULARY_SIZE,
};

const SPACE = 32;

function syllable(number: number): string {
  return CONSONANTS[Math.floor(number / VOWELS.length)]! + VOWELS[number % VOWELS.length]!;
}

/** Id of one word; words of the vocabulary are recognised by their letters, without a table. */
function idOf(word: string): number {
  if (word.startsWith("<")) return specialIdOf(word);
  const number =
    word.length === 5
      ? syllableIndex(word, 0) * SYLLABLES +
        syllableIndex(word, 2) +
        letterIn(ENDINGS, word[4]!) * SYLLABLES * SYLLABLES
      : Number.NaN;
  return Number.isNaN(number) ? UNKNOWN_ID : FIRST_TOKEN_ID + number;
}

function specialIdOf(word: string): number {
  const special = (SPECIAL_WORDS as readonly string[]).indexOf(word);
  if (special !== -1) return special;
  const reserved = Number(/^<r([1-9]\d{0,2})>$/.exec(word)?.[1] ?? UNKNOWN_ID);
  return reserved < SPECIAL_WORDS.length ? UNKNOWN_ID : reserved;
}

function syllableIndex(word: string, at: number): number {
  return letterIn(CONSONANTS, word[at]!) * VOWELS.length + letterIn(VOWELS, word[at + 1]!);
}

function letterIn(letters: string, letter: string): number {
  const index = letters.indexOf(letter);
  return index === -1 ? Number.NaN : index;
}

let words: Uint8Array | undefined;

/** Bytes of all prompt words, six apart; made at first use, because ids need none. */
function wordTable(): Uint8Array {
  if (words !== undefined) return words;
  const text: string[] = [];
  for (let id = FIRST_TOKEN_ID; id <= LAST_TOKEN_ID; id += 1) text.push(wordOf(id));
  words = Buffer.from(`${text.join(" ")} `, "latin1");
  return words;
}
