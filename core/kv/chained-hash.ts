/**
 * The chain step of Dynamo's sequence hash: XXH3-64, seed 1337, of 16 bytes, in 32-bit halves.
 *
 * XXH3 of 9 to 16 bytes (xxHash 0.8 specification, "XXH3 Algorithm, small inputs"): both 8-byte words
 * are masked with the seeded secret, multiplied to 128 bits, folded and avalanched. JavaScript has no
 * 64-bit integer that stays off the heap, so each word is two 32-bit halves and each product is built
 * from 16-bit limbs.
 */

/** Length of the hashed input in bytes; XXH3 adds it before the avalanche. */
const INPUT_BYTES = 16;

// Secret bytes 24–31 ^ 32–39, plus the seed; and 40–47 ^ 48–55, minus the seed.
const FIRST_MASK_HIGH = 0x6782737b;
const FIRST_MASK_LOW = 0xea423ef2;
const SECOND_MASK_HIGH = 0xaf56bc3b;
const SECOND_MASK_LOW = 0x09964d01;

// Multiplier of the XXH3 avalanche, 0x165667919e3779f9.
const AVALANCHE_HIGH = 0x16566791;
const AVALANCHE_LOW = 0x9e3779f9;

/** A sequence hash that grows block by block. */
export class ChainedHash {
  /** Unsigned halves of the hash so far. */
  low = 0;
  high = 0;
  #started = false;

  /** Back to the start of a prompt. */
  clear(): void {
    this.#started = false;
  }

  /** Continues after a block with this sequence hash. */
  start(low: number, high: number): void {
    this.low = low;
    this.high = high;
    this.#started = true;
  }

  /** Appends a block by its content hash. */
  add(contentLow: number, contentHigh: number): void {
    if (!this.#started) {
      this.start(contentLow, contentHigh);
      return;
    }
    const aLow = this.low ^ FIRST_MASK_LOW;
    const aHigh = this.high ^ FIRST_MASK_HIGH;
    const bLow = contentLow ^ SECOND_MASK_LOW;
    const bHigh = contentHigh ^ SECOND_MASK_HIGH;

    // The 128-bit product a * b as four 32-bit words, then the upper half folded onto the lower.
    const outer = Math.imul(aLow, bHigh);
    const inner = Math.imul(aHigh, bLow);
    const word1 = (multiplyHigh(aLow, bLow) >>> 0) + (outer >>> 0) + (inner >>> 0);
    const word2 =
      carryOf(word1) +
      (multiplyHigh(aLow, bHigh) >>> 0) +
      (multiplyHigh(aHigh, bLow) >>> 0) +
      (Math.imul(aHigh, bHigh) >>> 0);
    const foldLow = (Math.imul(aLow, bLow) ^ word2) >>> 0;
    const foldHigh = (word1 ^ (multiplyHigh(aHigh, bHigh) + carryOf(word2))) >>> 0;

    // Length + byte-swapped a + b + fold, modulo 2^64.
    const sumLow = INPUT_BYTES + (swapBytes(aHigh) >>> 0) + (bLow >>> 0) + foldLow;
    const sumHigh = (swapBytes(aLow) + bHigh + foldHigh + carryOf(sumLow)) | 0;

    // Avalanche: x ^= x >> 37; x *= multiplier; x ^= x >> 32.
    const mixedLow = sumLow ^ (sumHigh >>> 5);
    const high =
      multiplyHigh(mixedLow, AVALANCHE_LOW) +
      Math.imul(mixedLow, AVALANCHE_HIGH) +
      Math.imul(sumHigh, AVALANCHE_LOW);
    this.high = high >>> 0;
    this.low = (Math.imul(mixedLow, AVALANCHE_LOW) ^ high) >>> 0;
  }
}

/** Upper 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const cross1 = Math.imul(aLow, bHigh);
  const cross2 = Math.imul(aHigh, bLow);
  const middle = (Math.imul(aLow, bLow) >>> 16) + (cross1 & 0xffff) + (cross2 & 0xffff);
  return (Math.imul(aHigh, bHigh) + (cross1 >>> 16) + (cross2 >>> 16) + (middle >>> 16)) | 0;
}

/** What a sum of unsigned 32-bit numbers carries into the next word. */
function carryOf(sum: number): number {
  return Math.floor(sum / 0x1_0000_0000);
}

function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
