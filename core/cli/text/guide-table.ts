/**
 * Files `results_summary.json`, the result format of Dynamo's router benchmarking guide, as one table: files
 * side by side, one row for each prefix ratio.
 */
import type { GuideSummary } from "../../metrics/summary/guide-summary.ts";

export interface NamedSummary {
  readonly name: string;
  readonly summary: GuideSummary;
}

/** TTFT, output rate, and the TTFT relative to that of the first file (below 1: faster than the first). */
export function guideTable(files: readonly NamedSummary[]): string {
  const ratios = [...new Set(files.flatMap(({ summary }) => summary.prefixRatios))].toSorted(
    (a, b) => a - b,
  );
  const heading = ["ratio", ...files.flatMap((_, i) => columns(i))];
  const rows = ratios.map((ratio) => [
    String(ratio),
    ...files.flatMap(({ summary }, i) => cells(summary, { ratio, i, first: files[0]!.summary })),
  ]);
  const table = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    row.map((text, column) => text.padStart(widths[column]!)).join("  "),
  );
  const names = files.map(({ name }, i) => `[${i + 1}] ${name}`);
  return `${[...names, "", ...lines, "", "TTFT: mean ms where the file has it, else p50"].join("\n")}\n`;
}

function columns(i: number): string[] {
  return [`TTFT [${i + 1}]`, `tok/s [${i + 1}]`, ...(i === 0 ? [] : [`[${i + 1}]/[1]`])];
}

function cells(
  summary: GuideSummary,
  { ratio, i, first }: { ratio: number; i: number; first: GuideSummary },
): string[] {
  const ttft = ttftAt(summary, ratio);
  const rate = summary.outputTps?.[summary.prefixRatios.indexOf(ratio)];
  const base = ttftAt(first, ratio);
  const against = ttft === undefined || !base ? undefined : ttft / base;
  return [number(ttft, 1), number(rate, 0), ...(i === 0 ? [] : [number(against, 2)])];
}

function ttftAt(summary: GuideSummary, ratio: number): number | undefined {
  const at = summary.prefixRatios.indexOf(ratio);
  return summary.ttftMs?.[at] ?? summary.ttftMsQuartiles?.p50[at];
}

function number(value: number | undefined, digits: number): string {
  return value === undefined ? "-" : value.toFixed(digits);
}
