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
  readonly run: ArithmeticRun;
  readonly from: number;
  readonly to: number;
}

const BINS = 4096;
/** Up to this many values, sorting is quicker than another round of bins. */
const SORT_MAX = 4096;

/** The values at 0-based `ranks` (ascending, each below `samples.count`) in sorted order. */
export function orderStatistics(samples: WeightedSamples, ranks: readonly number[]): number[] {
  if (samples.runCount === 0) {
    const sorted = samples.singles.toSorted();
    return ranks.map((rank) => sorted[rank]!);
  }
  const pieces: Piece[] = [];
  for (const value of samples.singles) {
    pieces.push({
      run: { first: value, growth: 0, growth2: 0, steps: 1, weight: 1 },
      from: 0,
      to: 0,
    });
  }
  for (const run of samples.runs()) pushMonotone(pieces, run);
  return select(pieces, ranks);
}

/** Splits at the vertex of the parabola, where the values turn. */
function pushMonotone(pieces: Piece[], run: ArithmeticRun): void {
  const last = run.steps - 1;
  const turn = run.growth2 === 0 ? -1 : Math.floor(-run.growth / (2 * run.growth2));
  if (turn > 0 && turn < last) {
    pieces.push({ run, from: 0, to: turn }, { run, from: turn + 1, to: last });
  } else {
    pieces.push({ run, from: 0, to: last });
  }
}

function select(pieces: readonly Piece[], ranks: readonly number[]): number[] {
  let low = Infinity;
  let high = -Infinity;
  let values = 0;
  for (const piece of pieces) {
    const a = valueAt(piece.run, piece.from);
    const b = valueAt(piece.run, piece.to);
    low = Math.min(low, a, b);
    high = Math.max(high, a, b);
    values += a === b ? 1 : piece.to - piece.from + 1;
  }
  if (low === high) return ranks.map(() => low);
  if (values <= SORT_MAX) return selectSorted(pieces, ranks);
  return selectBinned(pieces, ranks, (value) => {
    const bin = Math.floor(((value - low) / (high - low)) * BINS);
    return Math.min(BINS - 1, Math.max(0, bin));
  });
}

function selectSorted(pieces: readonly Piece[], ranks: readonly number[]): number[] {
  const entries: { value: number; weight: number }[] = [];
  for (const { run, from, to } of pieces) {
    const value = valueAt(run, from);
    if (value === valueAt(run, to)) {
      entries.push({ value, weight: run.weight * (to - from + 1) });
      continue;
    }
    for (let k = from; k <= to; k += 1)
      entries.push({ value: valueAt(run, k), weight: run.weight });
  }
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
  pieces: readonly Piece[],
  ranks: readonly number[],
  binOf: (value: number) => number,
): number[] {
  const counts = new Float64Array(BINS);
  for (const piece of pieces) {
    walkBins(piece, binOf, (bin, part) => {
      counts[bin]! += (part.to - part.from + 1) * part.run.weight;
    });
  }
  const wanted = ranksByBin(counts, ranks);
  const inside = new Map<number, Piece[]>([...wanted.keys()].map((bin) => [bin, []]));
  for (const piece of pieces) {
    walkBins(piece, binOf, (bin, part) => inside.get(bin)?.push(part));
  }
  return [...wanted].flatMap(([bin, inner]) => select(inside.get(bin)!, inner));
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

/** Tells the piece in parts that lie in one bin each. */
function walkBins(
  piece: Piece,
  binOf: (value: number) => number,
  tell: (bin: number, part: Piece) => void,
): void {
  const bin = binOf(valueAt(piece.run, piece.from));
  if (piece.from === piece.to || bin === binOf(valueAt(piece.run, piece.to))) {
    tell(bin, piece);
    return;
  }
  const middle = Math.floor((piece.from + piece.to) / 2);
  walkBins({ run: piece.run, from: piece.from, to: middle }, binOf, tell);
  walkBins({ run: piece.run, from: middle + 1, to: piece.to }, binOf, tell);
}
