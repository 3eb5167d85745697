/** A group of cells over time: open and waiting requests, and the hit share of the requests sent. */
import type { CellResult, CellSeries } from "../../core/contract/result.ts";
import { binSteps, roundTo5 } from "./thin.ts";

/** Columns with one value per bin of `endS / length` seconds. */
export interface OverTime {
  endS: number;
  /** Requests due and not ended, and those of them without a first token: means over the repeats. */
  open: number[];
  waiting: number[];
  /** Σ cached / Σ prompt tokens of the requests sent in the bin, repeats pooled; null where none was. */
  hitShare: (number | null)[];
}

/** With fewer requests in a slice its share depends on single prompts. */
const REQUESTS_PER_SLICE = 12;
const LEAST_SLICES = 5;

/** `cells`: repeats of one arm at one setting. At most `bins` values a column. */
export function overTime(cells: readonly CellResult[], bins: number): OverTime {
  const all = cells.map(({ series }) => series); // of a small cell they are computed when they are read
  const endS = Math.max(0, ...all.map(endOf));
  const meanOf = (pick: (series: CellSeries) => number[]): number[] => {
    const sums = new Array<number>(bins).fill(0);
    for (const series of all) {
      // After its end a cell has nothing open.
      const timeS = [...series.inFlight.timeS, endOf(series)];
      const binned = binSteps(timeS, [...pick(series), 0], { endS, bins });
      binned.forEach((value, bin) => (sums[bin]! += value));
    }
    return sums.map((sum) => roundTo5(sum / cells.length));
  };
  return {
    endS: roundTo5(endS),
    open: meanOf(({ open }) => open.all),
    waiting: meanOf(({ open }) => open.waiting),
    hitShare: hitShares(cells, { endS, bins: slicesOf(cells, bins) }),
  };
}

/** Stamps are the starts of equal bins. */
function endOf({ inFlight: { timeS } }: CellSeries): number {
  return timeS.length < 2 ? (timeS[0] ?? 0) : timeS.at(-1)! + timeS[1]! - timeS[0]!;
}

function slicesOf(cells: readonly CellResult[], bins: number): number {
  const requests = cells.reduce((sum, { points }) => sum + points.sentS.length, 0);
  return Math.min(bins, Math.max(LEAST_SLICES, Math.floor(requests / REQUESTS_PER_SLICE)));
}

function hitShares(
  cells: readonly CellResult[],
  shape: { endS: number; bins: number },
): (number | null)[] {
  const cached = new Array<number>(shape.bins).fill(0);
  const prompt = new Array<number>(shape.bins).fill(0);
  for (const { points } of cells) {
    points.sentS.forEach((sentS, i) => {
      if (!Number.isFinite(points.cachedTokens[i])) return;
      const bin = Math.min(shape.bins - 1, Math.floor((sentS / shape.endS) * shape.bins));
      if (!(bin >= 0)) return;
      cached[bin]! += points.cachedTokens[i]!;
      prompt[bin]! += points.promptTokens[i]!;
    });
  }
  return prompt.map((tokens, bin) => (tokens > 0 ? roundTo5(cached[bin]! / tokens) : null));
}
