/**
 * The tokenizer of a real model, from the files that Hugging Face programs read: tokenizer.json, and
 * tokenizer_config.json for special tokens and the chat template.
 */
import { join } from "node:path";
import { Template } from "@huggingface/jinja";
import { Tokenizer as HfTokenizer } from "@huggingface/tokenizers";
import * as v from "valibot";
import { DynbenchError, messageOf } from "../base/errors.ts";
import { stableWords } from "./stable-words.ts";
import { memoized } from "./token-memo.ts";
import type { ChatMessage, Tokenizer } from "./tokenizer.ts";
import { wordText, type WordTable } from "./word-table.ts";

const tokenizerFile = v.looseObject({ model: v.looseObject({}) });
const templateFile = v.looseObject({
  chat_template: v.optional(
    v.union([v.string(), v.array(v.object({ name: v.string(), template: v.string() }))]),
  ),
});

interface TemplateConfig {
  /** One template, or several with names, of which `default` is used. */
  readonly chat_template?: string | readonly { name: string; template: string }[] | undefined;
  readonly [key: string]: unknown;
}

/** Rejects with a `DynbenchError` for an unusable folder. Takes 0.1 to 1 s, as the vocabulary is large. */
export async function readTokenizer(folder: string): Promise<Tokenizer> {
  try {
    const json = v.parse(tokenizerFile, await readJson(join(folder, "tokenizer.json")));
    const config = v.parse(
      templateFile,
      (await readJson(join(folder, "tokenizer_config.json"))) ?? {},
    );
    config.chat_template ??= await readText(join(folder, "chat_template.jinja"));
    return modelTokenizer(json, config);
  } catch (cause) {
    if (cause instanceof DynbenchError) throw cause;
    throw new DynbenchError(
      "plan",
      `Cannot read the tokenizer in "${folder}": ${messageOf(cause)}`,
      {
        hint: "It must hold the tokenizer.json of a model, as Hugging Face programs write it",
        cause,
      },
    );
  }
}

/** The tokenizer of the parsed files. Words and chat overhead, which only prompts need, are computed on first use. */
export function modelTokenizer(json: object, config: TemplateConfig): Tokenizer {
  const hf = new HfTokenizer(json, config);
  const vocabulary = hf.get_vocab(true);
  // Unused ids share one entry under `undefined`.
  vocabulary.delete(undefined as unknown as string);
  const encode = memoized(
    (text) => hf.encode(text, { add_special_tokens: false }).ids,
    vocabulary.keys(),
  );
  const stable = once(() => stableWords(vocabulary, encode));
  const { before, after } = specialTokens(hf);
  const renderer = once(() => chatRenderer(config));
  const encodeChat = (messages: readonly ChatMessage[]): Uint32Array => {
    const render = renderer();
    if (render === undefined) throw new Error("the tokenizer has no chat template");
    return Uint32Array.from(encode(render(messages)));
  };
  const overhead = once(() => chatOverhead(encodeChat, stable().words));
  return {
    encode: (text) => Uint32Array.from([...before, ...encode(text), ...after]),
    encodePart: (text) => Uint32Array.from(encode(text)),
    encodeChat,
    decode: (ids) => hf.decode([...ids]),
    firstPieceId: undefined,
    get words() {
      return stable().words;
    },
    get wordIds() {
      return stable().ids;
    },
    textOverhead: before.length + after.length,
    get chatOverhead() {
      return renderer() === undefined ? undefined : overhead();
    },
  };
}

/** Ids that a server puts around a text. */
function specialTokens(hf: HfTokenizer): { before: number[]; after: number[] } {
  const bare = hf.encode("the", { add_special_tokens: false }).ids;
  const whole = hf.encode("the").ids;
  const start = whole.findIndex((_, i) => bare.every((id, k) => whole[i + k] === id));
  return { before: whole.slice(0, start), after: whole.slice(start + bare.length) };
}

/**
 * Renders chats as Hugging Face's `apply_chat_template` does, with the opening of the answer;
 * undefined where the model has no template.
 */
function chatRenderer(
  config: TemplateConfig,
): ((messages: readonly ChatMessage[]) => string) | undefined {
  const { chat_template: given } = config;
  const source =
    typeof given === "object" ? given.find(({ name }) => name === "default")?.template : given;
  if (source === undefined) return undefined;
  const template = new Template(source);
  const tokens = Object.fromEntries(
    ["bos_token", "eos_token", "unk_token", "pad_token"].map((name) => [
      name,
      tokenText(config[name]),
    ]),
  );
  return (messages) =>
    template.render({
      ...tokens,
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: true,
    });
}

/** A special token is a text, or an object that holds it. */
function tokenText(token: unknown): string {
  if (typeof token === "string") return token;
  if (typeof token !== "object" || token === null || !("content" in token)) return "";
  return typeof token.content === "string" ? token.content : "";
}

/** Tokens that the template adds to a single user message; undefined when it does not add the same to all. */
function chatOverhead(encodeChat: Tokenizer["encodeChat"], words: WordTable): number | undefined {
  const addedTo = (first: number, count: number): number => {
    const texts = Array.from({ length: count }, (_, i) =>
      wordText(words, (first + i) % words.count),
    );
    return encodeChat([{ role: "user", content: texts.join(" ") }]).length - count;
  };
  const added = LENGTHS.map((count) => addedTo(0, count));
  // Each word once next to the template, before it and after it.
  for (let word = 0; word < words.count; word += 1) added.push(addedTo(word, 2));
  return added.every((tokens) => tokens === added[0]) ? added[0] : undefined;
}

/** Lengths in words of messages to which the template must add the same. */
const LENGTHS = [1, 2, 9];

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

async function readText(path: string): Promise<string | undefined> {
  const file = Bun.file(path);
  return (await file.exists()) ? file.text() : undefined;
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  return text === undefined ? undefined : JSON.parse(text);
}
