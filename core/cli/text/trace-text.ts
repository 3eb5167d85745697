/** The analysis of a trace for a terminal, within 100 columns. */
import type { Quantiles } from "../../contract/result.ts";
import type { TraceAnalysis } from "../../trace/analysis/analysis.ts";

export function analysisText(analysis: TraceAnalysis & { readonly file: string }): string {
  const blocks = [
    overview(analysis),
    lengthTable(analysis),
    hitShares(analysis),
    cacheTable(analysis),
    rootLines(analysis),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function overview({
  file,
  rows,
  arrivals,
  distinctBlocks,
  totalBlocks,
  blockSize,
}: TraceAnalysis & { file: string }): string {
  const lines = [`${file}: ${count(rows)} ${rows === 1 ? "row" : "rows"}`];
  if (totalBlocks > 0) {
    lines.push(
      `${count(totalBlocks)} blocks of ${blockSize} tokens, ${count(distinctBlocks)} of them distinct`,
    );
  } else lines.push("No hash ids: this trace does not show which prompts share prefixes");
  if (arrivals?.meanRps === undefined) {
    lines.push(
      arrivals
        ? "All rows at the same time"
        : "No times: replay it with --arrival closed or a rate",
    );
  } else {
    const peak = Math.max(...arrivals.rowsPerBucket) / arrivals.bucketS;
    lines.push(
      `${arrivals.spanS.toFixed(1)} s long, ${arrivals.meanRps.toFixed(2)} rows/s, ` +
        `at most ${peak.toFixed(2)} rows/s over ${arrivals.bucketS.toFixed(1)} s`,
      `rows over time  ${bars(arrivals.rowsPerBucket)}`,
    );
  }
  return lines.join("\n");
}

const COLUMNS = ["mean", "std", "min", "p25", "p50", "p75", "max"] as const;

/** The rows and columns of `datagen analyze`. */
function lengthTable({ sharing }: TraceAnalysis): string {
  const rows: [string, Quantiles | undefined][] = [
    ["input length", sharing.isl],
    ["context length", sharing.contextTokens],
    ["unique prompt length", sharing.uniqueTokens],
    ["output length", sharing.osl],
    ["theoretical hit rate", sharing.rowHitShare],
  ];
  const head = ["", "mean", "std", "min", "p25", "median", "p75", "max"];
  return table([
    head,
    ...rows
      .filter((row): row is [string, Quantiles] => row[1] !== undefined)
      .map(([name, quantiles]) => [name, ...COLUMNS.map((key) => digits(quantiles[key]))]),
  ]);
}

function hitShares({ sharing }: TraceAnalysis): string {
  const { rowHitShare, blockHitShare, tokenHitShare } = sharing;
  if (rowHitShare === undefined) return "";
  return [
    "Hit share of one unbounded cache, in the order of the rows:",
    `  ${rowHitShare.mean.toFixed(6)}  mean of the rows' shares (what datagen calls hit rate)`,
    `  ${blockHitShare!.toFixed(6)}  of all blocks`,
    `  ${tokenHitShare!.toFixed(6)}  of all prompt tokens: an upper bound for every router`,
  ].join("\n");
}

function cacheTable({ cache, blockSize }: TraceAnalysis): string {
  if (cache === undefined) return "";
  const rows = cache.map(({ blocks, lruShare, minShare }) => [
    count(blocks),
    count(blocks * blockSize),
    lruShare.toFixed(3),
    minShare.toFixed(3),
  ]);
  return (
    "Share of prompt tokens that one cache of all workers serves: with LRU, and at most (MIN)\n" +
    table([["blocks", "tokens", "LRU", "MIN"], ...rows])
  );
}

function rootLines({ roots, blockSize }: TraceAnalysis): string {
  if (roots.length === 0) return "";
  return [
    "The most frequent prefixes:",
    ...roots.map(
      ({ rows, blocks }) => `  ${count(rows)} rows share ${count(blocks * blockSize)} tokens`,
    ),
  ].join("\n");
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const BARS = " ▁▂▃▄▅▆▇█";

function bars(values: readonly number[]): string {
  const most = Math.max(...values, 1);
  return values.map((value) => BARS[Math.ceil((value / most) * (BARS.length - 1))]).join("");
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** Seven significant digits. */
function digits(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
}
