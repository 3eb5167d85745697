/**
 * How often lengths occur, in bins that grow with the length: four to a doubling, since traces reach
 * from single tokens to a hundred thousand.
 */
import { pow } from "../../base/portable-math.ts";

export interface LengthHistogram {
  /** Tokens: bin i holds lengths from `edges[i]` up to and without `edges[i + 1]`. */
  readonly edges: readonly number[];
  /** Rows in each bin; one entry less than edges. */
  readonly rows: readonly number[];
}

const BINS_PER_DOUBLING = 4;

/** `lengths` are whole and at least 1; bins reach from the shortest to the longest. */
export function lengthHistogram(lengths: ArrayLike<number>): LengthHistogram {
  let least = Infinity;
  let most = 0;
  for (let i = 0; i < lengths.length; i += 1) {
    least = Math.min(least, lengths[i]!);
    most = Math.max(most, lengths[i]!);
  }
  const edges: number[] = [];
  for (let i = 0; edges.length < 2 || edges.at(-1)! <= most; i += 1) {
    const edge = Math.round(pow(2, i / BINS_PER_DOUBLING));
    if (edge <= least) edges[0] = edge;
    else if (edge > edges.at(-1)!) edges.push(edge);
  }
  const rows = edges.slice(1).map(() => 0);
  for (let i = 0; i < lengths.length; i += 1) rows[binOf(edges, lengths[i]!)]! += 1;
  return { edges, rows };
}

function binOf(edges: readonly number[], length: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle]! <= length) low = middle;
    else high = middle - 1;
  }
  return low;
}
