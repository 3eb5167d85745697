/**
 * Steps over JSON in bytes without parsing it. All functions take a position and return the one
 * after what they read, or -1 when the bytes end early or are not in the form they read. Made for
 * valid JSON: broken JSON is found broken only where the structure does not close.
 */

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
/** 0xf0f0f0f0 as a signed number: with the unsigned one the engine computes in doubles. */
const HIGH_HALVES = 0xf0f0f0f0 | 0;
/** 2^32 − 1 has ten digits. */
const MAX_DIGITS = 10;

/** Position of the first byte at or after `at` that is not JSON white space. Never -1. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
  }
  return at;
}

/** `at` is on an opening quote; returns the position after the closing one. */
export function skipString(bytes: Uint8Array, at: number): number {
  for (let from = at + 1; ;) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote === -1) return -1;
    let backslashes = 0;
    while (bytes[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

/** Steps over any value: string, object, array, number or word. */
export function skipValue(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(bytes, at);
  let end = at;
  while (end < bytes.length && isWordByte(bytes[end]!)) end += 1;
  // A value that the end of the input cut cannot be distinguished from a whole one; neither is complete
  // inside an object, which is where values are looked for.
  return end === at || end === bytes.length ? -1 : end;
}

function skipNested(bytes: Uint8Array, at: number): number {
  let depth = 0;
  for (let i = at; i < bytes.length;) {
    const byte = bytes[i]!;
    if (byte === QUOTE) {
      i = skipString(bytes, i);
      if (i === -1) return -1;
      continue;
    }
    // "[" and "{" differ from each other in bit 5 only, as do "]" and "}".
    if ((byte | 0x20) === OPEN_BRACE) depth += 1;
    else if ((byte | 0x20) === CLOSE_BRACE) depth -= 1;
    i += 1;
    if (depth === 0) return i;
  }
  return -1;
}

/** A byte of a number, `true`, `false` or `null`. */
function isWordByte(byte: number): boolean {
  return (
    (byte >= ZERO && byte <= NINE) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x2b ||
    byte === 0x45
  );
}

/** What `readIds` found; `next` is -1 when it is not a plain array of unsigned 32-bit integers. */
export interface ReadIds {
  next: number;
  count: number;
}

/**
 * Reads `[1, 23, 456]` at `at` into `out`, which must have room for half as many ids as there are
 * bytes. Prompts are some 14,000 ids, and this is the largest single cost of a decision, so ids of
 * four to six digits that end in a comma take a way without unpredictable branches.
 */
export function readIds(bytes: Uint8Array, at: number, out: Uint32Array): ReadIds {
  if (bytes[at] !== OPEN_BRACKET) return { next: -1, count: 0 };
  const first = skipSpace(bytes, at + 1);
  if (bytes[first] === CLOSE_BRACKET) return { next: first + 1, count: 0 };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The quick way looks at seven bytes and the one after them.
  const quickEnd = bytes.length - 8;
  let count = 0;
  let i = first;
  for (;;) {
    while (i < quickEnd) {
      const word = view.getInt32(i, true);
      if (!fourDigits(word) || bytes[i] === ZERO) break;
      let value = fourDigitValue(word);
      // A byte XOR "0" is below 10 for digits alone; the shift makes that a mask of all ones.
      const fifth = bytes[i + 4]! ^ ZERO;
      const mask = (fifth - 10) >> 31;
      value += mask & (value * 9 + fifth);
      let end = i + 4 - mask;
      if (bytes[end] !== COMMA) {
        const sixth = bytes[end]! ^ ZERO;
        if (sixth > 9 || bytes[end + 1] !== COMMA) break;
        value = value * 10 + sixth;
        end += 1;
      }
      out[count] = value;
      count += 1;
      i = end + 1;
      if (bytes[i] === SPACE) i += 1;
    }
    i = readId(bytes, i, { out, count });
    if (i === -1) return { next: -1, count: 0 };
    count += 1;
    i = skipSpace(bytes, i);
    if (bytes[i] === CLOSE_BRACKET) return { next: i + 1, count };
    if (bytes[i] !== COMMA) return { next: -1, count: 0 };
    i = skipSpace(bytes, i + 1);
  }
}

/** Reads one unsigned 32-bit integer of any length to `out[count]`; -1 when there is none. */
function readId(
  bytes: Uint8Array,
  at: number,
  { out, count }: { out: Uint32Array; count: number },
): number {
  let value = 0;
  let i = at;
  for (; i < bytes.length && i - at < MAX_DIGITS; i += 1) {
    const digit = bytes[i]! ^ ZERO;
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  const digits = i - at;
  if (digits === 0 || value > 0xffffffff || (digits > 1 && bytes[at] === ZERO)) return -1;
  out[count] = value;
  return i;
}

/** Whether all four bytes are ASCII digits: high halves 3, and still 3 when 6 is added. */
function fourDigits(word: number): boolean {
  const raised = (word + 0x06060606) | 0;
  return ((word & HIGH_HALVES) | ((raised & HIGH_HALVES) >>> 4)) === 0x33333333;
}

/** The number that four ASCII digits spell, the first in the lowest byte: pairs first, then both. */
function fourDigitValue(word: number): number {
  const pairs = Math.imul(word & 0x0f0f0f0f, 10) + ((word >>> 8) & 0x000f0f0f);
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff);
}
