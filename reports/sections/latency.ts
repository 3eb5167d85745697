/** Distributions of what a user waits for. */
import { ecdfChart } from "../charts/ecdf.ts";
import type { ChartSpec } from "../charts/chart-spec.ts";
import type { ReportData } from "../data/data.ts";
import { groupsAt, where } from "./at-point.ts";

export function latencyCharts(data: ReportData, point: number): ChartSpec[] {
  const chart = (key: "ttftMs" | "e2eMs", title: string, xLabel: string): ChartSpec =>
    ecdfChart(
      groupsAt(data, point).map((group) => ({
        label: data.arms[group.arm]!,
        arm: group.arm,
        distribution: group[key],
      })),
      {
        title,
        subtitle: `share of requests that took at most so long${where(data, point)}; further left is better`,
        xLabel,
      },
    );
  return [
    chart("ttftMs", "Time to first token", "TTFT (ms)"),
    chart("e2eMs", "End-to-end latency", "E2E (ms)"),
  ];
}
