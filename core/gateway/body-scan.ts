/**
 * Finds what routing needs in a request body (`model`, `stream`, `max_tokens`, `priority`, the
 * prompt) by scanning its bytes: parsing 85 KB of JSON costs more than all other work of a decision.
 * Right for any valid JSON object; where the bytes are not in the plain form that clients send (an
 * escape in a key, a token id written as 1e3) the whole body goes through `JSON.parse` instead.
 */
import {
  CLOSE_BRACE,
  COLON,
  COMMA,
  OPEN_BRACE,
  QUOTE,
  readIds,
  skipSpace,
  skipString,
  skipValue,
} from "./json-bytes.ts";

/** The routing part of a request body. */
export interface ScannedBody {
  /** Undefined when missing or not a string. */
  readonly model: string | undefined;
  readonly stream: boolean;
  /** `max_tokens`, or else `max_completion_tokens`; undefined when neither is a number. */
  readonly maxTokens: number | undefined;
  /** As it stands there, lower for earlier (vLLM); 0 when missing or not a number. */
  readonly priority: number;
  readonly prompt: ScannedPrompt;
}

export type ScannedPrompt =
  /** A view into the scanner's buffer: valid until the next scan. */
  | { readonly form: "ids"; readonly ids: Uint32Array }
  | { readonly form: "text"; readonly text: string }
  | { readonly form: "chat"; readonly messages: readonly unknown[] }
  /** No prompt, or one that is not a single token sequence (a batch). */
  | { readonly form: "other" };

/** Where the endpoint's prompt is: completions have `prompt`, chat has `messages`. */
export type PromptField = "prompt" | "messages";

/** Ids of a long prompt fit without growing; the buffer doubles when a longer one comes. */
const INITIAL_IDS = 32_768;

/** Scans bodies one after the other, with one reused buffer for token ids. */
export class BodyScanner {
  #ids = new Uint32Array(INITIAL_IDS);

  /** Undefined when the body is not a JSON object. */
  scan(bytes: Uint8Array, promptField: PromptField): ScannedBody | undefined {
    // A token id takes at least two bytes ("1,"), so the buffer is always large enough.
    while (this.#ids.length * 2 < bytes.length) this.#ids = new Uint32Array(this.#ids.length * 2);
    const fields = scanFields(bytes, promptField, this.#ids) ?? parseFields(bytes);
    return fields === undefined ? undefined : bodyOf(fields, promptField, this.#ids);
  }
}

/** Values of the fields that matter; token ids that were read from bytes are a `Uint32Array`. */
type Fields = Partial<Record<FieldName, unknown>>;

const FIELD_NAMES = [
  "model",
  "stream",
  "max_tokens",
  "max_completion_tokens",
  "priority",
  "prompt",
  "messages",
] as const;
type FieldName = (typeof FIELD_NAMES)[number];

const BACKSLASH = 0x5c;
const decoder = new TextDecoder();

/** What a walk over one body needs, so that its steps take few arguments. */
interface Walk {
  readonly bytes: Uint8Array;
  readonly wanted: PromptField;
  readonly ids: Uint32Array;
  readonly fields: Fields;
}

/** Walks the members of the top-level object; undefined when broken or not plain enough. */
function scanFields(bytes: Uint8Array, wanted: PromptField, ids: Uint32Array): Fields | undefined {
  const walk: Walk = { bytes, wanted, ids, fields: {} };
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_BRACE) return undefined;
  at = skipSpace(bytes, at + 1);
  while (bytes[at] !== CLOSE_BRACE) {
    at = scanMember(walk, at);
    if (at === -1) return undefined;
    at = skipSpace(bytes, at);
    if (bytes[at] === CLOSE_BRACE) break;
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1);
    if (bytes[at] === CLOSE_BRACE) return undefined;
  }
  return skipSpace(bytes, at + 1) === bytes.length ? walk.fields : undefined;
}

/** Reads or skips `"name": value`; returns the position after it, or -1. */
function scanMember(walk: Walk, at: number): number {
  const { bytes } = walk;
  if (bytes[at] !== QUOTE) return -1;
  const nameEnd = skipString(bytes, at);
  if (nameEnd === -1) return -1;
  for (let i = at + 1; i < nameEnd; i += 1) if (bytes[i] === BACKSLASH) return -1;
  const colon = skipSpace(bytes, nameEnd);
  if (bytes[colon] !== COLON) return -1;
  const value = skipSpace(bytes, colon + 1);
  const name = FIELD_NAMES.find((candidate) => spells(bytes, { at: at + 1, nameEnd, candidate }));
  const skipped = name === undefined || (isPromptField(name) && name !== walk.wanted);
  return skipped ? skipValue(bytes, value) : readValue(walk, name, value);
}

function spells(
  bytes: Uint8Array,
  { at, nameEnd, candidate }: { at: number; nameEnd: number; candidate: string },
): boolean {
  if (nameEnd - 1 - at !== candidate.length) return false;
  for (let i = 0; i < candidate.length; i += 1) {
    if (bytes[at + i] !== candidate.charCodeAt(i)) return false;
  }
  return true;
}

function isPromptField(name: FieldName): name is PromptField {
  return name === "prompt" || name === "messages";
}

function readValue(walk: Walk, name: FieldName, at: number): number {
  const { bytes, fields, ids } = walk;
  if (name === "prompt" && bytes[at] !== QUOTE) {
    const read = readIds(bytes, at, ids);
    if (read.next !== -1) fields.prompt = ids.subarray(0, read.count);
    return read.next;
  }
  const end = skipValue(bytes, at);
  if (end === -1) return -1;
  try {
    fields[name] = JSON.parse(decoder.decode(bytes.subarray(at, end)));
  } catch {
    return -1;
  }
  return end;
}

function parseFields(bytes: Uint8Array): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(decoder.decode(bytes));
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bodyOf(fields: Fields, promptField: PromptField, ids: Uint32Array): ScannedBody {
  const { model, stream, priority } = fields;
  return {
    model: typeof model === "string" ? model : undefined,
    stream: stream === true,
    maxTokens: numberOf(fields.max_tokens) ?? numberOf(fields.max_completion_tokens),
    priority: numberOf(priority) ?? 0,
    prompt: promptOf(fields[promptField], promptField, ids),
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function promptOf(value: unknown, promptField: PromptField, ids: Uint32Array): ScannedPrompt {
  if (value instanceof Uint32Array) return { form: "ids", ids: value };
  if (promptField === "messages") {
    return Array.isArray(value) ? { form: "chat", messages: value } : { form: "other" };
  }
  if (typeof value === "string") return { form: "text", text: value };
  if (!Array.isArray(value)) return { form: "other" };
  // A batch of one is that one prompt.
  if (value.length === 1 && (Array.isArray(value[0]) || typeof value[0] === "string")) {
    return promptOf(value[0], promptField, ids);
  }
  if (!value.every(isTokenId)) return { form: "other" };
  ids.set(value);
  return { form: "ids", ids: ids.subarray(0, value.length) };
}

function isTokenId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
