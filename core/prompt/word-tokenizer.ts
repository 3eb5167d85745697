/**
 * A tokenizer of whole words, computed rather than stored: every id has one word and words are
 * joined by single spaces, so text of exactly n tokens is n words, and prompts that share tokens
 * share text. Mocker, gateway and prompts use it, and `writeModelFolder` writes it as the
 * tokenizer.json that Dynamo's frontend and Hugging Face programs read.
 *
 * Any other word is encoded in pieces of four bytes, about as long as the tokens of English text, so
 * that any two texts with equal prefixes have equal first tokens. (In the tokenizer.json each such
 * word is the one unknown token, because that form has no pieces.)
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DynbenchError } from "../base/errors.ts";
import type { ChatMessage, Tokenizer } from "./tokenizer.ts";
import { FIRST_TOKEN_ID, LAST_TOKEN_ID } from "./tokens.ts";
import { wordTable, type WordTable } from "./word-table.ts";

/** Ids of words are 0 to 30,999. */
export const VOCABULARY_SIZE = LAST_TOKEN_ID + 1;
/** Ids of pieces follow, within the 128,256 of Llama 3's vocabulary; few pieces share an id by chance. */
const PIECES = 97_213;
const PIECE_BYTES = 4;

const SPECIAL_WORDS = ["<unk>", "<s>", "</s>", "<user>", "<assistant>"] as const;
const UNKNOWN_ID = 0;

/** Tokens that the chat template puts around a single user message: `<s> <user> … </s> <assistant>`. */
export const CHAT_OVERHEAD_TOKENS = 4;

const WORD_LETTERS = 5;

const CONSONANTS = "bdfghjklmnprstvwyzcq";
const VOWELS = "aeiou";
const ENDINGS = "nrs";
const CONSONANT_OF = placesOf(CONSONANTS);
const VOWEL_OF = placesOf(VOWELS);
const ENDING_OF = placesOf(ENDINGS);
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

/** Ids of the words in a text, or of their pieces; `encode(decode(ids))` gives the ids of words again. */
export function encode(text: string): Uint32Array {
  let ids = new Uint32Array((text.length + 1) >> 1); // a word is at least one letter and its space
  let count = 0;
  for (let at = 0; at < text.length;) {
    if (isSpace(text.charCodeAt(at))) {
      at += 1;
      continue;
    }
    let id = promptIdAt(text, at);
    let end = at + WORD_LETTERS;
    // Prompts consist of words of five letters, so only other words take the slow path.
    if (id === NO_WORD || (end < text.length && !isSpace(text.charCodeAt(end)))) {
      for (end = at + 1; end < text.length && !isSpace(text.charCodeAt(end));) end += 1;
      const word = text.slice(at, end);
      id = specialIdOf(word);
      if (id === NO_WORD) {
        const pieces = piecesOf(word);
        ids = roomier(ids, text);
        ids.set(pieces, count);
        count += pieces.length;
        at = end + 1;
        continue;
      }
    }
    ids[count++] = id;
    at = end + 1;
  }
  return ids.slice(0, count);
}

/** The words of ids, joined by single spaces. */
export function decode(ids: Iterable<number>): string {
  return Array.from(ids, wordOf).join(" ");
}

/** Ids of a chat as the template renders it; a single user message adds `CHAT_OVERHEAD_TOKENS`. */
export function encodeChat(messages: readonly ChatMessage[]): Uint32Array {
  return encode(renderChat(messages));
}

/** The same text as `CHAT_TEMPLATE` renders. */
export function renderChat(messages: readonly ChatMessage[]): string {
  const turns = messages.map(({ role, content }) => {
    return role === "assistant" ? `<assistant> ${content} </s>` : `<user> ${content} </s>`;
  });
  return `<s> ${turns.join(" ")} <assistant>`;
}

/** The tokenizer of prompts, gateway and mocker where no model's tokenizer is given. */
export const WORD_TOKENIZER: Tokenizer = {
  encode,
  encodePart: encode,
  encodeChat,
  decode,
  firstPieceId: VOCABULARY_SIZE,
  get words() {
    return (table ??= wordTable(Array.from(WORD_TOKENIZER.wordIds, wordOf)));
  },
  wordIds: Uint32Array.from(
    { length: LAST_TOKEN_ID - FIRST_TOKEN_ID + 1 },
    (_, i) => FIRST_TOKEN_ID + i,
  ),
  textOverhead: 0,
  chatOverhead: CHAT_OVERHEAD_TOKENS,
};

/** Jinja, as Hugging Face programs and Dynamo read it from tokenizer_config.json. */
export const CHAT_TEMPLATE =
  "<s>{% for message in messages %}" +
  "{% if message['role'] == 'assistant' %} <assistant> {% else %} <user> {% endif %}" +
  "{{ message['content'] }} </s>{% endfor %}" +
  "{% if add_generation_prompt %} <assistant>{% endif %}";

/** The tokenizer in Hugging Face's tokenizer.json form (tokenizers 0.22): WordLevel over whitespace. */
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

/** Longest prompt plus answer that the model folder states. */
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

/** Sizes of Llama 3.1 8B, so that programs that compute KV sizes from them get those of a real model. */
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
const NO_WORD = -1;
const encoder = new TextEncoder();

function syllable(number: number): string {
  return CONSONANTS[Math.floor(number / VOWELS.length)]! + VOWELS[number % VOWELS.length]!;
}

/** Four bytes of UTF-8 each, the last one shorter. */
function piecesOf(word: string): Uint32Array {
  const bytes = encoder.encode(word);
  const pieces = new Uint32Array(Math.ceil(bytes.length / PIECE_BYTES));
  for (const [i, byte] of bytes.entries()) {
    const piece = Math.floor(i / PIECE_BYTES);
    pieces[piece] = pieces[piece]! * 256 + byte;
  }
  return pieces.map((piece) => VOCABULARY_SIZE + (piece % PIECES));
}

/** Room for all of the text in pieces: no character is more than three bytes of UTF-8. */
function roomier(ids: Uint32Array<ArrayBuffer>, text: string): Uint32Array<ArrayBuffer> {
  if (ids.length >= text.length) return ids;
  const room = new Uint32Array(text.length);
  room.set(ids);
  return room;
}

/** Id of the five letters at `at` if they spell a prompt word; computed without a table of words. */
function promptIdAt(text: string, at: number): number {
  const first = syllableAt(text, at);
  const second = syllableAt(text, at + 2);
  const ending = ENDING_OF[text.charCodeAt(at + 4) & 127]!;
  if (first < 0 || second < 0 || ending < 0) return NO_WORD;
  // The mask above takes a letter beyond ASCII for one within.
  for (let i = at; i < at + WORD_LETTERS; i += 1) if (text.charCodeAt(i) > 127) return NO_WORD;
  return FIRST_TOKEN_ID + (ending * SYLLABLES + first) * SYLLABLES + second;
}

/** Number of the syllable at `at`; negative where there is none and beyond the text's end. */
function syllableAt(text: string, at: number): number {
  const consonant = CONSONANT_OF[text.charCodeAt(at) & 127]!;
  const vowel = VOWEL_OF[text.charCodeAt(at + 1) & 127]!;
  return consonant < 0 || vowel < 0 ? -1 : consonant * VOWELS.length + vowel;
}

/** What JavaScript's `\s` matches. */
function isSpace(code: number): boolean {
  return (
    code === SPACE ||
    (code >= 9 && code <= 13) ||
    (code > 127 && /\s/.test(String.fromCharCode(code)))
  );
}

/** Place of each ASCII letter among `letters`, or −1. */
function placesOf(letters: string): Int8Array {
  const places = new Int8Array(128).fill(-1);
  for (const [place, letter] of [...letters].entries()) places[letter.charCodeAt(0)] = place;
  return places;
}

function specialIdOf(word: string): number {
  const special = (SPECIAL_WORDS as readonly string[]).indexOf(word);
  if (special !== -1) return special;
  const reserved = Number(/^<r([1-9]\d{0,2})>$/.exec(word)?.[1] ?? NO_WORD);
  return reserved < SPECIAL_WORDS.length ? NO_WORD : reserved;
}

/** Computed on first use, because prompts of ids need no words. */
let table: WordTable | undefined;
