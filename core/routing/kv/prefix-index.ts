/**
 * Which candidate holds which block, and how far into a prompt each one reaches.
 *
 * A bit per (block, candidate) in words of 32, by dense block id. An engine can hold a block twice
 * and must then evict it twice before it is gone (seen on vLLM 0.32 for prompts that are an exact
 * multiple of the block size), so copies are counted: the first is the bit, the rare further ones
 * are in a map. The index has no notion of hashes or tokens.
 */

const FIRST_BLOCKS = 1024;
const CANDIDATES_PER_WORD = 32;

export class PrefixIndex {
  readonly #candidates: number;
  /** Words per block. */
  readonly #words: number;
  /** Word w of block b at b · words + w. */
  #masks: Int32Array;
  /** Copies beyond the first, by block · candidates + candidate. */
  readonly #extraCopies = new Map<number, number>();
  readonly #held: Int32Array;
  /** Candidates that held every block so far, during a walk. */
  readonly #walking: Int32Array;
  #blocks = 0;

  constructor(candidates: number) {
    this.#candidates = candidates;
    this.#words = Math.max(1, Math.ceil(candidates / CANDIDATES_PER_WORD));
    this.#masks = new Int32Array(FIRST_BLOCKS * this.#words);
    this.#held = new Int32Array(candidates);
    this.#walking = new Int32Array(this.#words);
  }

  /** Distinct blocks that at least one candidate holds. */
  get blocks(): number {
    return this.#blocks;
  }

  /** Distinct blocks the candidate holds. */
  held(candidate: number): number {
    return this.#held[candidate]!;
  }

  /** Adds one copy of the block to the candidate. */
  stored(candidate: number, block: number): void {
    const word = block * this.#words + (candidate >>> 5);
    if (word >= this.#masks.length) this.#grow(word);
    const bit = 1 << (candidate & 31);
    const mask = this.#masks[word]!;
    if ((mask & bit) === 0) {
      if (mask === 0 && this.#isUnheld(block)) this.#blocks += 1;
      this.#masks[word] = mask | bit;
      this.#held[candidate]! += 1;
    } else {
      const key = block * this.#candidates + candidate;
      this.#extraCopies.set(key, (this.#extraCopies.get(key) ?? 0) + 1);
    }
  }

  /** Removes one copy from the candidate; ignored when it has none. */
  removed(candidate: number, block: number): void {
    const word = block * this.#words + (candidate >>> 5);
    const bit = 1 << (candidate & 31);
    if (word >= this.#masks.length || (this.#masks[word]! & bit) === 0) return;
    if (this.#extraCopies.size > 0 && this.#dropExtraCopy(block, candidate)) return;
    this.#dropBit(candidate, block, word);
  }

  /** Removes all blocks of the candidate. */
  clear(candidate: number): void {
    if (this.#held[candidate] === 0) return;
    const bit = 1 << (candidate & 31);
    const offset = candidate >>> 5;
    for (let word = offset; word < this.#masks.length; word += this.#words) {
      if ((this.#masks[word]! & bit) !== 0) {
        this.#dropBit(candidate, (word - offset) / this.#words, word);
      }
    }
    for (const key of this.#extraCopies.keys()) {
      if (key % this.#candidates === candidate) this.#extraCopies.delete(key);
    }
  }

  /** Writes, per candidate, how many leading blocks of `blocks` it holds. Unknown ids (−1 or new) are held by no candidate. */
  depths(blocks: Int32Array, out: Int32Array): void {
    out.fill(0);
    if (this.#words === 1) this.#depthsOfOneWord(blocks, out);
    else this.#depthsOfWords(blocks, out);
  }

  #depthsOfOneWord(blocks: Int32Array, out: Int32Array): void {
    const masks = this.#masks;
    let walking = -1;
    let depth = 0;
    for (; depth < blocks.length; depth += 1) {
      const block = blocks[depth]!;
      const mask = block >= 0 && block < masks.length ? masks[block]! : 0;
      const next = walking & mask;
      // At block 0 every candidate without the block "drops": those depths are 0 already.
      if (next !== walking && depth > 0) writeDepth(walking & ~next, 0, depth, out);
      walking = next;
      if (walking === 0) return;
    }
    if (depth > 0) writeDepth(walking, 0, depth, out);
  }

  #depthsOfWords(blocks: Int32Array, out: Int32Array): void {
    const masks = this.#masks;
    const words = this.#words;
    const walking = this.#walking.fill(-1);
    let depth = 0;
    for (; depth < blocks.length; depth += 1) {
      const first = blocks[depth]! * words;
      const known = first >= 0 && first < masks.length;
      let left = 0;
      for (let word = 0; word < words; word += 1) {
        const before = walking[word]!;
        const after = known ? before & masks[first + word]! : 0;
        if (after !== before && depth > 0) writeDepth(before & ~after, word, depth, out);
        walking[word] = after;
        left |= after;
      }
      if (left === 0) return;
    }
    if (depth === 0) return;
    for (let word = 0; word < words; word += 1) writeDepth(walking[word]!, word, depth, out);
  }

  #dropExtraCopy(block: number, candidate: number): boolean {
    const key = block * this.#candidates + candidate;
    const copies = this.#extraCopies.get(key);
    if (copies === undefined) return false;
    if (copies === 1) this.#extraCopies.delete(key);
    else this.#extraCopies.set(key, copies - 1);
    return true;
  }

  #dropBit(candidate: number, block: number, word: number): void {
    const mask = this.#masks[word]! & ~(1 << (candidate & 31));
    this.#masks[word] = mask;
    this.#held[candidate]! -= 1;
    if (mask === 0 && this.#isUnheld(block)) this.#blocks -= 1;
  }

  #isUnheld(block: number): boolean {
    const first = block * this.#words;
    for (let word = first; word < first + this.#words; word += 1) {
      if (this.#masks[word] !== 0) return false;
    }
    return true;
  }

  #grow(word: number): void {
    let length = this.#masks.length;
    while (length <= word) length *= 2;
    const masks = new Int32Array(length);
    masks.set(this.#masks);
    this.#masks = masks;
  }
}

/** Writes `depth` for each candidate whose bit is set. */
function writeDepth(bits: number, word: number, depth: number, out: Int32Array): void {
  let left = bits;
  while (left !== 0) {
    const bit = 31 - Math.clz32(left);
    out[word * CANDIDATES_PER_WORD + bit] = depth;
    left &= ~(1 << bit);
  }
}
