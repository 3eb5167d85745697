/** Events that are surely one token's, recognised without parsing them as JSON. */
import { isUtf8 } from "node:buffer";
import { viewOf, type ByteRange } from "../wire/http/byte-range.ts";

/**
 * Recognises the events that surely are one token's and hold nothing else of interest, without parsing:
 * parsing each of 50,000 events a second would cost as much as receiving them. A stream's token events
 * differ only in their text, so the first one is looked at closely and the others are compared with it.
 */
export class PlainEvent {
  #bytes = new Uint8Array(0);
  #textStart = 0;
  /** Bytes from the quote that closes the text to the end. */
  #tailLength = 0;
  /** Length of the text of the event that was last recognised, as it was escaped. */
  textBytes = 0;

  /** True when the event is the learnt one with another text, free of quotes and escapes. */
  matches({ bytes, from, end }: ByteRange): boolean {
    const learnt = this.#bytes;
    const textStart = from + this.#textStart;
    const textEnd = end - this.#tailLength;
    if (this.#textStart === 0 || textEnd <= textStart) return false;
    for (let i = 0; i < this.#textStart; i += 1) {
      if (bytes[from + i] !== learnt[i]) return false;
    }
    let bits = 0;
    for (let i = textStart; i < textEnd; i += 1) {
      const byte = bytes[i]!;
      if (byte === QUOTE || byte === BACKSLASH) return false;
      bits |= byte;
    }
    if (bits > 127 && !isUtf8(bytes.subarray(textStart, textEnd))) return false;
    const shift = learnt.length - end;
    for (let i = textEnd; i < end; i += 1) {
      if (bytes[i] !== learnt[i + shift]) return false;
    }
    this.textBytes = textEnd - textStart;
    return true;
  }

  /** Whether the event that was last recognised has a text of nothing but white space. */
  isBlank({ bytes, from }: ByteRange): boolean {
    const start = from + this.#textStart;
    return BLANK.test(latin1(bytes.subarray(start, start + this.textBytes)));
  }

  /** Looks at an event closely; remembers it and returns true when it is a plain token's. */
  learn(range: ByteRange): boolean {
    const data = viewOf(range);
    const text = latin1(data);
    if (!isPlainToken(text) || !isUtf8(data)) return false;
    const { 0: key, index } = /"(?:text|content)":"/.exec(text)!;
    const textStart = index + key.length;
    const value = /^(?:[^"\\]|\\.)*/.exec(text.slice(textStart))![0];
    this.#bytes = data.slice();
    this.#textStart = textStart;
    this.#tailLength = data.length - textStart - value.length;
    this.textBytes = value.length;
    return true;
  }
}

const QUOTE = 34;
const BACKSLASH = 92;
/** White space, as JSON escapes it. */
const BLANK = /^(?: |\\[ntr])*$/;

/**
 * A quote inside a JSON string is always escaped, so `"name":` can only be a key. In doubt false, and
 * the event is parsed.
 */
function isPlainToken(text: string): boolean {
  return (
    hasKey(text, '"choices":', "[{") &&
    (hasContent(text, '"text":"') || hasContent(text, '"content":"')) &&
    isMissingOrNull(text, '"finish_reason":') &&
    isMissingOrNull(text, '"usage":') &&
    isMissingOrNull(text, '"token_ids":') &&
    !text.includes('"error"') &&
    text.endsWith("}")
  );
}

function hasKey(text: string, key: string, value: string): boolean {
  const at = text.indexOf(key);
  return at !== -1 && text.startsWith(value, at + key.length);
}

function hasContent(text: string, keyAndQuote: string): boolean {
  const at = text.indexOf(keyAndQuote);
  return at !== -1 && text[at + keyAndQuote.length] !== '"';
}

function isMissingOrNull(text: string, key: string): boolean {
  const at = text.indexOf(key);
  return at === -1 || text.startsWith("null", at + key.length);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
