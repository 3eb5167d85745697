/** Each tier's TTFT, E2E, hit share and failures, one line a tier of a cell, where the load has tiers. */
import type { CellSummary, RunResult, TierSummary } from "dynbench";
import { clip, plain, WIDTH } from "./console-text.ts";

/** More lines hide the rest; all are in summary.json. */
const MAX_LINES = 24;

export function tierBlock({ summary }: RunResult): string[] {
  const cells = summary.cells.filter(({ tiers }) => tiers !== undefined);
  if (cells.length === 0) return [];
  const lines = cells.flatMap((cell) => [
    clip(`  ${plain(cell.id)}${fairnessOf(cell)}`, WIDTH),
    ...cell.tiers!.map((tier) => clip(`    ${tierLine(tier)}`, WIDTH)),
  ]);
  const more = lines.length - MAX_LINES;
  return [
    "By tier, TTFT and E2E in ms:",
    ...lines.slice(0, MAX_LINES),
    ...(more > 0 ? [`  and ${more} more lines, in summary.json`] : []),
  ];
}

function fairnessOf({ fairness }: CellSummary): string {
  if (fairness === undefined) return "";
  const { jain, maxOverMin } = fairness.ttft;
  return `: mean TTFT max/min ${maxOverMin.toFixed(2)}, Jain ${jain.toFixed(3)}`;
}

function tierLine({ name, priority, requests, ttftMs, e2eMs, cachedShare }: TierSummary): string {
  const label = plain(priority === undefined ? name : `${name} (priority ${priority})`);
  const parts = [
    `${label.padEnd(24)} ${String(requests.ok).padStart(6)} ok`,
    ...(requests.failed > 0 ? [`${requests.failed} failed`] : []),
    ...(ttftMs === undefined ? [] : [`TTFT p50 ${ms(ttftMs.p50)} p99 ${ms(ttftMs.p99)}`]),
    ...(e2eMs === undefined ? [] : [`E2E p50 ${ms(e2eMs.p50)}`]),
    ...(cachedShare === undefined ? [] : [`hits ${(cachedShare * 100).toFixed(1)} %`]),
  ];
  return parts.join("  ");
}

function ms(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
