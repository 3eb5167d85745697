/**
 * In which steps of a decode span which sequences need a block or fill one.
 *
 * A sequence takes a block every `blockSize` steps and fills it `blockSize − 1` steps later, so the whole
 * span repeats with that period. Sorting the sequences by residue once lets a jump over hundreds of
 * steps touch only the steps in which something happens, in the order a scheduler would reach it.
 */
export class BlockTimetable {
  readonly #blockSize: number;
  /** Entries of residue r: from `#starts[r]` to `#starts[r + 1]`. */
  readonly #starts: Int32Array;
  readonly #takes: Int32Array;
  #entries: Int32Array;
  /** Residue of each entry. */
  #residues: Int32Array;
  #sequences = 0;

  constructor(blockSize: number) {
    this.#blockSize = blockSize;
    this.#starts = new Int32Array(blockSize + 1);
    this.#takes = new Int32Array(blockSize);
    this.#entries = new Int32Array(64);
    this.#residues = new Int32Array(64);
  }

  /**
   * `tokens[i]`: tokens of sequence i that are covered after step 0, for `count` sequences in running
   * order. Step s covers `tokens[i] + s`. With `fills` false (no prefix cache) only takes are kept.
   */
  build(tokens: Float64Array, count: number, fills: boolean): void {
    const size = this.#blockSize;
    const withFills = fills && size > 1; // with blocks of one token, taking is filling
    this.#sequences = count;
    this.#starts.fill(0);
    this.#takes.fill(0);
    if (this.#entries.length < 2 * count) {
      this.#entries = new Int32Array(4 * count);
      this.#residues = new Int32Array(4 * count);
    }
    for (let i = 0; i < count; i += 1) {
      const take = takeResidue(tokens[i]!, size);
      this.#takes[take]! += 1;
      this.#starts[take]! += 1;
      if (withFills) this.#starts[fillResidue(tokens[i]!, size)]! += 1;
    }
    let total = 0;
    for (let r = 0; r <= size; r += 1) {
      total += this.#starts[r]!;
      this.#starts[r] = total; // ends; filling backwards turns them into starts
    }
    for (let i = count - 1; i >= 0; i -= 1) {
      this.#enter(i, takeResidue(tokens[i]!, size));
      if (withFills) this.#enter(i, fillResidue(tokens[i]!, size));
    }
  }

  #enter(sequence: number, residue: number): void {
    const at = (this.#starts[residue]! -= 1);
    this.#entries[at] = sequence;
    this.#residues[at] = residue;
  }

  /** Steps from 1 on, at most `limit`, whose takes `free` blocks can serve. */
  affordableSteps(free: number, limit: number): number {
    const perPeriod = this.#sequences;
    if (free >= perPeriod * (Math.floor(limit / this.#blockSize) + 1)) return limit;
    const periods = Math.floor(free / perPeriod);
    let left = free - periods * perPeriod;
    let steps = periods * this.#blockSize;
    while (steps < limit) {
      left -= this.#takes[(steps + 1) % this.#blockSize]!;
      if (left < 0) break;
      steps += 1;
    }
    return Math.min(steps, limit);
  }

  /** The first step at or after `from` in which something happens; `end` when none before it. */
  nextStep(from: number, end: number): number {
    const size = this.#blockSize;
    const entries = this.#starts[size]!;
    const residue = from % size;
    // Few entries in many residues: looking at each of them is quicker than at each residue.
    if (entries < size) {
      let least = size;
      for (let i = 0; i < entries; i += 1) {
        const ahead = this.#residues[i]! - residue;
        least = Math.min(least, ahead < 0 ? ahead + size : ahead);
      }
      return least === size ? end : Math.min(end, from + least);
    }
    const stop = Math.min(end, from + size);
    let at = residue;
    for (let step = from; step < stop; step += 1) {
      if (this.#starts[at] !== this.#starts[at + 1]) return step;
      at = at + 1 === size ? 0 : at + 1;
    }
    return end;
  }

  /** The sequences to which something happens in `step`, in running order; a view, not a copy. */
  at(step: number): Int32Array {
    const residue = step % this.#blockSize;
    return this.#entries.subarray(this.#starts[residue], this.#starts[residue + 1]);
  }
}

/** Step s takes a block when it covers the first token of one: (tokens + s − 1) mod size = 0. */
function takeResidue(tokens: number, size: number): number {
  return (size - ((tokens - 1) % size)) % size;
}

/** Step s fills a block when it covers the last token of one: (tokens + s) mod size = 0. */
function fillResidue(tokens: number, size: number): number {
  return (size - (tokens % size)) % size;
}
