/**
 * What the rows of a trace share, as Dynamo's `datagen analyze` counts it
 * (benchmarks/prefix_data_generator, prefix_analyzer.py), and the shares that a cache without a
 * bound would serve.
 */
import { quantilesOf } from "../../statistics/quantiles.ts";
import type { Quantiles } from "../../contract/result.ts";
import { WeightedSamples } from "../../statistics/weighted-samples.ts";
import { PairIds } from "./pair-ids.ts";
import type { TraceColumns } from "../trace-columns.ts";

export interface TraceSharing {
  /** Tokens. */
  readonly isl: Quantiles;
  readonly osl: Quantiles;
  /** Prompt tokens in blocks that occur more than once at their place; undefined without blocks. */
  readonly contextTokens?: Quantiles;
  /** The rest of the prompt. */
  readonly uniqueTokens?: Quantiles;
  /** Of each row: leading blocks that an earlier row had, as a share of its blocks. */
  readonly rowHitShare?: Quantiles;
  /** Of all blocks together: 1 − distinct ÷ total where ids are chained. */
  readonly blockHitShare?: number;
  /** Of all prompt tokens together; a partial last block counts with its tokens. */
  readonly tokenHitShare?: number;
}

export function traceSharing(trace: TraceColumns): TraceSharing {
  const isl = new WeightedSamples();
  const osl = new WeightedSamples();
  for (let row = 0; row < trace.rows; row += 1) {
    isl.add(trace.isl(row));
    osl.add(trace.osl(row));
  }
  const lengths = { isl: quantilesOf(isl)!, osl: quantilesOf(osl)! };
  return trace.totalBlocks === 0
    ? lengths
    : { ...lengths, ...contextLengths(trace), ...hitShares(trace) };
}

/**
 * A pair (place in the prompt, id) that occurs more than once in the file is context, at its first
 * occurrence too: it measures what could be shared, not what would hit. A row without any other pair
 * is context as a whole.
 */
function contextLengths(trace: TraceColumns): Pick<TraceSharing, "contextTokens" | "uniqueTokens"> {
  const pairs = new PairIds(trace.distinctBlocks);
  const counts = new Int32Array(trace.totalBlocks); // pages that are never written cost nothing
  for (let row = 0; row < trace.rows; row += 1) {
    const blocks = trace.blocks(row);
    for (let place = 0; place < blocks.length; place += 1) {
      counts[pairs.of(place, blocks[place]!)]! += 1;
    }
  }
  const context = new WeightedSamples();
  const unique = new WeightedSamples();
  for (let row = 0; row < trace.rows; row += 1) {
    const blocks = trace.blocks(row);
    let repeated = 0;
    for (let place = 0; place < blocks.length; place += 1) {
      if (counts[pairs.of(place, blocks[place]!)]! > 1) repeated += 1;
    }
    const isl = trace.isl(row);
    const tokens = repeated === blocks.length ? isl : repeated * trace.blockSize;
    context.add(tokens);
    unique.add(isl - tokens);
  }
  return { contextTokens: quantilesOf(context)!, uniqueTokens: quantilesOf(unique)! };
}

/** One cache without a bound, in the order of the file. Rows without blocks count for nothing. */
function hitShares(
  trace: TraceColumns,
): Pick<TraceSharing, "rowHitShare" | "blockHitShare" | "tokenHitShare"> {
  const seen = new Uint8Array(trace.distinctBlocks);
  const shares = new WeightedSamples();
  let hitBlocks = 0;
  let hitTokens = 0;
  let tokens = 0;
  for (let row = 0; row < trace.rows; row += 1) {
    const blocks = trace.blocks(row);
    if (blocks.length === 0) continue;
    let hits = 0;
    while (hits < blocks.length && seen[blocks[hits]!] === 1) hits += 1;
    for (let i = hits; i < blocks.length; i += 1) seen[blocks[i]!] = 1;
    shares.add(hits / blocks.length);
    hitBlocks += hits;
    hitTokens += Math.min(hits * trace.blockSize, trace.isl(row));
    tokens += trace.isl(row);
  }
  return {
    rowHitShare: quantilesOf(shares)!,
    blockHitShare: hitBlocks / trace.totalBlocks,
    tokenHitShare: hitTokens / tokens,
  };
}
