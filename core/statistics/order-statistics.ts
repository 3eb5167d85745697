/**
 * Exact order statistics of weighted samples, without writing out long runs.
 *
 * Runs are split into monotone pieces. A piece whose two ends fall into the same bin of a value
 * histogram is counted as a whole; otherwise it is halved. The bins that hold a wanted rank are
 * then looked at closer, until what is left is small enough to sort.
 */
import { valueAt, type ArithmeticRun, type WeightedSamples } from "./weighted-samples.ts";

/** Steps `from` to `to`, both included, of a run that only rises or only falls between them. */
interface Piece {
  run: ArithmeticRun;
  from: number;
  to: number;
}

/** Calls `visit` with one piece after the other; the object may be reused, so copy what you keep. */
type Pieces = (visit: (piece: Piece) => void) => void;

const BINS = 4096;
/** Up to this many values, sorting is quicker than another round of bins. */
const SORT_MAX = 4096;
/** first, growth, growth2, weight, from, to. */
const PIECE_NUMBERS = 6;
/** Takes the place of the count of a bin that holds a wanted rank. */
const WANTED = -1;

/** The values at 0-based `ranks` (ascending, each below `samples.count`) in sorted order. */
export function orderStatistics(samples: WeightedSamples, ranks: readonly number[]): number[] {
  if (samples.runCount === 0) {
    const sorted = samples.singles.toSorted();
    return ranks.map((rank) => sorted[rank]!);
  }
  return select((visit) => eachPiece(samples, visit), ranks);
}

function eachPiece(samples: WeightedSamples, visit: (piece: Piece) => void): void {
  const single = { first: 0, growth: 0, growth2: 0, steps: 1, weight: 1 };
  const piece: Piece = { run: single, from: 0, to: 0 };
  for (const value of samples.singles) {
    single.first = value;
    visit(piece);
  }
  samples.eachRun((run) => {
    piece.run = run;
    const last = run.steps - 1;
    // Split at the vertex of the parabola, where the values turn.
    const turn = run.growth2 === 0 ? -1 : Math.floor(-run.growth / (2 * run.growth2));
    const isSplit = turn > 0 && turn < last;
    piece.from = 0;
    piece.to = isSplit ? turn : last;
    visit(piece);
    if (!isSplit) return;
    piece.from = turn + 1;
    piece.to = last;
    visit(piece);
  });
}

function select(pieces: Pieces, ranks: readonly number[]): number[] {
  let low = Infinity;
  let high = -Infinity;
  let values = 0;
  pieces((piece) => {
    const a = valueAt(piece.run, piece.from);
    const b = valueAt(piece.run, piece.to);
    low = Math.min(low, a, b);
    high = Math.max(high, a, b);
    values += a === b ? 1 : piece.to - piece.from + 1;
  });
  if (low === high) return ranks.map(() => low);
  if (values <= SORT_MAX) return selectSorted(pieces, ranks);
  return selectBinned(pieces, ranks, (value) => {
    const bin = Math.floor(((value - low) / (high - low)) * BINS);
    return Math.min(BINS - 1, Math.max(0, bin));
  });
}

function selectSorted(pieces: Pieces, ranks: readonly number[]): number[] {
  const entries: { value: number; weight: number }[] = [];
  pieces(({ run, from, to }) => {
    const value = valueAt(run, from);
    if (value === valueAt(run, to)) {
      entries.push({ value, weight: run.weight * (to - from + 1) });
      return;
    }
    for (let k = from; k <= to; k += 1)
      entries.push({ value: valueAt(run, k), weight: run.weight });
  });
  entries.sort((a, b) => a.value - b.value);
  let at = 0;
  let below = 0;
  return ranks.map((rank) => {
    while (at < entries.length - 1 && below + entries[at]!.weight <= rank) {
      below += entries[at]!.weight;
      at += 1;
    }
    return entries[at]!.value;
  });
}

function selectBinned(
  pieces: Pieces,
  ranks: readonly number[],
  binOf: (value: number) => number,
): number[] {
  const counts = new Float64Array(BINS);
  const counting = new BinWalker(binOf, (bin, part) => {
    counts[bin]! += (part.to - part.from + 1) * part.run.weight;
  });
  pieces((piece) => counting.walk(piece));
  const wanted = ranksByBin(counts, ranks);
  for (const bin of wanted.keys()) counts[bin] = WANTED;
  const inside = new Map([...wanted.keys()].map((bin) => [bin, new KeptPieces()]));
  const keeping = new BinWalker(binOf, (bin, part) => {
    if (counts[bin]! < 0) inside.get(bin)!.add(part);
  });
  pieces((piece) => keeping.walk(piece));
  return [...wanted].flatMap(([bin, inner]) => {
    const kept = inside.get(bin)!;
    return select((visit) => kept.each(visit), inner);
  });
}

/** Pieces in one flat column: a bin can hold a million, and as objects they would be the largest thing there is. */
class KeptPieces {
  #numbers = new Float64Array(16 * PIECE_NUMBERS);
  #used = 0;

  add({ run, from, to }: Piece): void {
    if (this.#used === this.#numbers.length) {
      const grown = new Float64Array(2 * this.#used);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    const at = this.#used;
    this.#numbers[at] = run.first;
    this.#numbers[at + 1] = run.growth;
    this.#numbers[at + 2] = run.growth2;
    this.#numbers[at + 3] = run.weight;
    this.#numbers[at + 4] = from;
    this.#numbers[at + 5] = to;
    this.#used += PIECE_NUMBERS;
  }

  each(visit: (piece: Piece) => void): void {
    const run = { first: 0, growth: 0, growth2: 0, steps: 0, weight: 0 };
    const piece: Piece = { run, from: 0, to: 0 };
    for (let at = 0; at < this.#used; at += PIECE_NUMBERS) {
      run.first = this.#numbers[at]!;
      run.growth = this.#numbers[at + 1]!;
      run.growth2 = this.#numbers[at + 2]!;
      run.weight = this.#numbers[at + 3]!;
      piece.from = this.#numbers[at + 4]!;
      piece.to = this.#numbers[at + 5]!;
      run.steps = piece.to + 1;
      visit(piece);
    }
  }
}

/** For each bin that holds a wanted rank, in order: the ranks counted from the bin's own start. */
function ranksByBin(counts: Float64Array, ranks: readonly number[]): Map<number, number[]> {
  const wanted = new Map<number, number[]>();
  let bin = 0;
  let below = 0;
  for (const rank of ranks) {
    while (below + counts[bin]! <= rank) {
      below += counts[bin]!;
      bin += 1;
    }
    const inner = wanted.get(bin);
    if (inner === undefined) wanted.set(bin, [rank - below]);
    else inner.push(rank - below);
  }
  return wanted;
}

/** Calls `visit` with parts of pieces that lie in one bin each; the object is reused from call to call. */
class BinWalker {
  readonly #binOf: (value: number) => number;
  readonly #visit: (bin: number, part: Piece) => void;
  readonly #part: Piece;

  constructor(binOf: (value: number) => number, visit: (bin: number, part: Piece) => void) {
    this.#binOf = binOf;
    this.#visit = visit;
    this.#part = { run: { first: 0, growth: 0, growth2: 0, steps: 0, weight: 0 }, from: 0, to: 0 };
  }

  walk({ run, from, to }: Piece): void {
    this.#part.run = run;
    this.#walk(from, to);
  }

  #walk(from: number, to: number): void {
    const { run } = this.#part;
    const bin = this.#binOf(valueAt(run, from));
    if (from === to || bin === this.#binOf(valueAt(run, to))) {
      this.#part.from = from;
      this.#part.to = to;
      this.#visit(bin, this.#part);
      return;
    }
    const middle = Math.floor((from + to) / 2);
    this.#walk(from, middle);
    this.#walk(middle + 1, to);
  }
}
