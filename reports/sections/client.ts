/** Health of the load generator itself: lateness, event loop lag, CPU. */
import type { CellSummary } from "../../core/contract/result.ts";
import { ecdfChart } from "../charts/ecdf.ts";
import type { ReportData } from "../data/data.ts";
import { h, section, table } from "../drawing/dom.ts";
import { formatNumber } from "../../core/metrics/summary/format.ts";
import type { Page } from "./standing.ts";
import { thinIndexes } from "../data/thin.ts";

/** A simulated load is never late and has no process: nothing to show. */
export function clientSection(page: Page): HTMLElement | undefined {
  const { data } = page;
  if (data.clock === "virtual") return undefined;
  const lead =
    "Latency counts from the moment a request should have been sent. When the generator is late or its processor is full, the figures describe the generator.";
  return section(
    "client",
    "Health of the load generator",
    lead,
    h("div", { class: "pair" }, page.chart(latenessChart(data)), healthTable(data)),
  );
}

function latenessChart(data: ReportData) {
  return ecdfChart(
    liveArms(data).flatMap(({ label, arm }) => {
      const pooled = data.groups
        .filter((group) => group.arm === arm)
        .flatMap(({ latenessMs }) => latenessMs.values);
      const values = pooled.sort((a, b) => a - b);
      const kept = thinIndexes(values.length, 400).map((i) => values[i]!);
      return kept.length === 0
        ? []
        : [{ label, arm, distribution: { n: values.length, values: kept } }];
    }),
    {
      title: "Lateness",
      subtitle:
        "actual minus intended start of a request in the generator, all settings; further left is better",
      xLabel: "Lateness (ms)",
    },
  );
}

function liveArms(data: ReportData): { label: string; arm: number }[] {
  return data.arms
    .map((label, arm) => ({ label, arm }))
    .filter(({ arm }) =>
      data.cells.some((cell) => cell.arm === arm && cell.summary.clock === "wall"),
    );
}

/** The worst cell of each arm. */
function healthTable(data: ReportData): HTMLElement {
  const isOpen = data.cells.some(({ summary }) => summary.client.requestedRps !== undefined);
  const rows = liveArms(data).map(({ label, arm }) => {
    const clients = data.cells.filter((cell) => cell.arm === arm).map(({ summary }) => summary);
    const worst = (pick: (summary: (typeof clients)[number]) => number | undefined): string => {
      const known = clients.map(pick).filter((value) => value !== undefined);
      return known.length === 0 ? "–" : formatNumber(Math.max(...known));
    };
    return [
      label,
      ...(isOpen ? [slowest(clients)] : []),
      worst(({ client }) => client.latenessMs.p99),
      worst(({ client }) => client.latenessMs.max),
      worst(({ client }) => client.loopLagMs?.p99),
      worst(({ client }) => (client.busyShare === undefined ? undefined : client.busyShare * 100)),
      worst(({ client }) => client.maxRssMb),
      worst(({ client }) => client.retries),
    ];
  });
  const head = [
    "Worst cell of",
    ...(isOpen ? ["Sent of requested (/s)"] : []),
    "Late p99 (ms)",
    "Late max (ms)",
    "Loop lag p99 (ms)",
    "Busy (% of the time)",
    "Memory (MB)",
    "Retries",
  ];
  return h("div", { class: "card" }, h("h3", {}, "Worst cell per arm"), table(head, rows));
}

/** Sent and requested rate of the cell that fell behind most. */
function slowest(cells: readonly CellSummary[]): string {
  const [rate] = cells
    .flatMap(({ client: { requestedRps: requested, sentRps: sent } }) =>
      requested === undefined || sent === undefined ? [] : [{ requested, sent }],
    )
    .toSorted((a, b) => a.sent / a.requested - b.sent / b.requested);
  return rate === undefined ? "–" : `${formatNumber(rate.sent)} of ${formatNumber(rate.requested)}`;
}
