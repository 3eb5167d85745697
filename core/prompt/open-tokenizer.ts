/** Chooses and opens a tokenizer: that of a model's folder, or the built-in one. */
import { join, resolve } from "node:path";
import { DynbenchError, messageOf } from "../base/errors.ts";
import type { WireForm } from "../contract/request.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { WORD_TOKENIZER } from "./word-tokenizer.ts";

/** The tokenizer of the model in `folder`, or the built-in one; each folder is read once a process. */
export function openTokenizer(folder: string | undefined): Promise<Tokenizer> {
  if (folder === undefined) return Promise.resolve(WORD_TOKENIZER);
  const known = opened.get(folder);
  if (known !== undefined) return known;
  const opening = import("./model-tokenizer.ts").then(({ readTokenizer }) => readTokenizer(folder));
  opened.set(folder, opening);
  return opening;
}

/** A process meets one or two models. */
const opened = new Map<string, Promise<Tokenizer>>();

/**
 * The tokenizer to make prompts of this form; prompts of ids need no model's tokenizer, so none is
 * read. `bareText`: the server adds no special tokens to a completion's text.
 */
export async function promptTokenizer(
  folder: string | undefined,
  form: WireForm,
  bareText = false,
): Promise<Tokenizer> {
  if (form === "ids") return WORD_TOKENIZER;
  const tokenizer = await openTokenizer(folder);
  void tokenizer.words; // throws where the vocabulary has too few
  if (form === "text") {
    return bareText ? Object.create(tokenizer, { textOverhead: { value: 0 } }) : tokenizer;
  }
  if (chatFault(tokenizer) === undefined) return tokenizer;
  throw new DynbenchError(
    "start",
    `Cannot make chats for the model in "${folder}": ${chatFault(tokenizer)}`,
    { hint: "Send text: --prompt-form text" },
  );
}

/** Templates are programs from outside, and may throw. */
function chatFault(tokenizer: Tokenizer): string | undefined {
  try {
    return tokenizer.chatOverhead === undefined ? "it has no usable chat template" : undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** The full path when the folder has a tokenizer; undefined for a mere name of a model. */
export async function tokenizerFolder(path: string): Promise<string | undefined> {
  const folder = resolve(path);
  return (await Bun.file(join(folder, TOKENIZER_FILE)).exists()) ? folder : undefined;
}

/**
 * The folder that `--tokenizer` names, else the folder of the model; undefined: the built-in
 * tokenizer. Rejects when the named folder holds no tokenizer.
 */
export async function chosenTokenizer(
  named: string | undefined,
  modelPath: string | undefined,
): Promise<string | undefined> {
  if (named === undefined) {
    return modelPath === undefined ? undefined : tokenizerFolder(modelPath);
  }
  const folder = await tokenizerFolder(named);
  if (folder !== undefined) return folder;
  throw new DynbenchError("plan", `Cannot use tokenizer "${named}": no ${TOKENIZER_FILE} there`, {
    hint: "Give the folder that holds it",
  });
}

const TOKENIZER_FILE = "tokenizer.json";
