/** The load over a cell's time: open and waiting requests, and those in flight per worker. */
import { heatMapChart } from "../charts/heat-map.ts";
import { lineChart } from "../charts/lines.ts";
import type { ChartSpec } from "../charts/chart-spec.ts";
import type { ReportData } from "../data/data.ts";
import type { OverTime } from "../data/over-time.ts";
import { groupsAt, where } from "./at-point.ts";

const TIME_AXIS = "Time since the start of the load (s)";

export function timeCharts(data: ReportData, point: number): ChartSpec[] {
  const chart = (
    pick: (overTime: OverTime) => number[],
    text: { title: string; subtitle: string },
  ): ChartSpec =>
    lineChart(
      groupsAt(data, point).map(({ arm, overTime }) => ({
        label: data.arms[arm]!,
        arm,
        endS: overTime.endS,
        values: pick(overTime),
      })),
      { ...text, xLabel: TIME_AXIS, yLabel: "Requests" },
    );
  const mean = data.cells.some(({ summary }) => summary.repeat > 0) ? ", mean of the repeats" : "";
  return [
    chart(({ waiting }) => waiting, {
      title: "Waiting for the first token",
      subtitle: `requests due and still without a first token${where(data, point)}${mean}: the queue`,
    }),
    chart(({ open }) => open, {
      title: "Open requests",
      subtitle: `requests due and not ended${where(data, point)}${mean}: queue and decoding together`,
    }),
  ];
}

export function heatMaps(data: ReportData, point: number, repeat: number): ChartSpec[] {
  const cells = data.cells
    .filter((cell) => cell.point === point && cell.summary.repeat === repeat)
    .sort((a, b) => a.arm - b.arm);
  const counts = cells.flatMap(({ inFlight }) => inFlight.workers.flatMap(({ count }) => count));
  const most = Math.max(
    1,
    counts.reduce((a, b) => Math.max(a, b), 0),
  );
  return cells.map(({ arm, inFlight, summary }) =>
    heatMapChart(
      { arm, ...inFlight, most },
      {
        title: `In flight per worker: ${data.arms[arm]}`,
        subtitle: `requests sent and not ended${where(data, point)}, repeat ${summary.repeat + 1}; darker is more, one scale for all arms`,
      },
    ),
  );
}
