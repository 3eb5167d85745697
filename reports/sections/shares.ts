/** Shares of the workers in the requests, and in the prompt tokens that had to be computed. */
import { sharesChart, type ShareRow } from "../charts/shares.ts";
import type { ChartSpec } from "../charts/chart-spec.ts";
import type { WorkerShare } from "../../core/contract/result.ts";
import type { ReportData } from "../data/data.ts";
import { where } from "./at-point.ts";

export function shareCharts(data: ReportData, point: number): ChartSpec[] {
  const chart = (
    title: string,
    xLabel: string,
    amount: (share: WorkerShare) => number,
  ): ChartSpec =>
    sharesChart(shareRows(data, point, amount), {
      title,
      subtitle: `per worker${where(data, point)}; busiest 1.0× means equal shares`,
      xLabel,
    });
  return [
    chart("Share of requests", "Requests (%)", (share) => share.requests),
    chart(
      "Share of uncached tokens",
      "Uncached prompt tokens (%)",
      (share) => share.promptTokens - share.cachedTokens,
    ),
  ];
}

/** Summed over the repeats; where prefill and decode are split, a row for each kind of worker. */
function shareRows(
  data: ReportData,
  point: number,
  amount: (share: WorkerShare) => number,
): ShareRow[] {
  return data.arms.flatMap((label, arm) => {
    const rows = new Map<string, Map<string, number>>();
    for (const cell of data.cells) {
      if (cell.arm !== arm || cell.point !== point) continue;
      for (const share of cell.summary.workers) {
        const name = share.role === undefined ? label : `${label}, ${share.role}`;
        const totals = rows.get(name) ?? new Map<string, number>();
        rows.set(name, totals.set(share.id, (totals.get(share.id) ?? 0) + amount(share)));
      }
    }
    return [...rows].map(([name, totals]) => ({
      label: name,
      arm,
      parts: [...totals].map(([id, total]) => ({ id, amount: total })),
    }));
  });
}
