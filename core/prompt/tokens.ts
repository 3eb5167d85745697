/**
 * Token ids of a prompt's segments: a pure function of (seed, content, position in the content), so
 * that two prompts share exactly the tokens that their leading segments share, on every machine and
 * in every process. 32-bit mixing only: 14,000 tokens take well under a millisecond.
 */
import type { Segment } from "../contract/request.ts";

/** Lower ids are left to the special tokens of real vocabularies. */
export const FIRST_TOKEN_ID = 1_000;
/** Fits the smallest vocabulary in use, Llama 2's 32,000. */
export const LAST_TOKEN_ID = 30_999;

const TOKEN_IDS = LAST_TOKEN_ID - FIRST_TOKEN_ID + 1;
const TWO_TO_32 = 4_294_967_296;

/**
 * Fills `out` with the prompt's ids and returns their number; throws when `out` is too short. An
 * answer segment has the tokens that were received; where none or too few are known, generated tokens
 * take their place.
 */
export function fillTokens(
  seed: number,
  prompt: readonly Segment[],
  out: Uint32Array,
  answers?: { tokensOf(request: number): Uint32Array | undefined },
): number {
  let at = 0;
  for (const segment of prompt) {
    const end = at + segment.tokens;
    if (end > out.length) throw new Error(`a prompt of ${end} tokens does not fit ${out.length}`);
    const part = out.subarray(at, end);
    fillSegment(seed, segment, part);
    const answer = "answerOf" in segment ? answers?.tokensOf(segment.answerOf) : undefined;
    if (answer !== undefined) part.set(answer.subarray(0, part.length));
    at = end;
  }
  return at;
}

/**
 * 64 bits of state a content, so that two contents never coincide by chance; each position is
 * mixed with both halves (finalizer of MurmurHash3, Appleby 2011; constants by Wellons' search,
 * nullprogram.com 2018, `lowbias32`).
 */
function fillSegment(seed: number, segment: Segment, out: Uint32Array): void {
  const isAnswer = "answerOf" in segment;
  const content = isAnswer ? segment.answerOf : segment.content;
  // Two's complement halves: negative contents, reserved for preflight, get states of their own.
  const low = content | 0;
  const high = Math.floor(content / TWO_TO_32) | 0;
  const base = mix(mix(mix(seed | 0) ^ low) ^ high) ^ (isAnswer ? 0x5bf03635 : 0);
  const state = mix(base ^ 0x9e3779b9);
  const other = mix(mix(seed ^ 0x3c6ef372) + Math.imul(low, 0x85ebca6b) + high);
  for (let i = 0; i < out.length; i += 1) {
    const hash = mix(mix(state + Math.imul(i, 0x9e3779b1)) ^ other);
    out[i] = FIRST_TOKEN_ID + Math.floor(((hash >>> 0) * TOKEN_IDS) / TWO_TO_32);
  }
}

function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}
